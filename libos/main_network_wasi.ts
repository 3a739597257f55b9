// What main_wasi.ts is for an image with a network: the functions of sockets.
export * from "./wasi/sockets";
