// What main_wasi.ts is for an image with a network: the functions of sockets.
export * from "./wasi/datagrams";
export * from "./wasi/names";
export * from "./wasi/socket_options";
export * from "./wasi/sockets";
