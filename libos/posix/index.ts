// Every system call, for the exports of kernel.wasm. libos/api/posix.ts declares the same list to apps, and
// test/unit/posix compares the two.
export * from "./files";
export * from "./file_status";
export { posix_pipe } from "./pipe";
export * from "./poll";
export * from "./fork_stats";
export * from "./net_counters";
export * from "./process";
export * from "./resolve";
export * from "./socket_options";
export * from "./signals";
export * from "./sockets";
export * from "./system";
export * from "./threads";
export * from "./time";
export * from "./wait";
export { app_memory_grow, app_memory_size } from "../process/user_memory";
