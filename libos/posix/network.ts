// The system calls of an image with a network, beside those of index.ts.
export * from "./resolve";
export * from "./socket_options";
export * from "./messages";
export { posix_socketpair } from "./unix/calls";
export { posix_unix_address } from "./unix/names";
export * from "./sockets";
