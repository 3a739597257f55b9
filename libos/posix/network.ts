// The system calls of an image with a network, beside those of index.ts.
export * from "./ioctl";
export * from "./resolve";
export * from "./socket_options";
export { posix_socketpair } from "./socket_pair";
export * from "./sockets";
