// What the kernel of an image has besides whose program is a module of another toolchain that asks for wasi_snapshot_preview1 (docs/wasi.md).
export * from "./wasi/allocate";
export * from "./wasi/descriptors";
export * from "./wasi/directory";
export * from "./wasi/file_status";
export * from "./wasi/paths";
export * from "./wasi/poll";
export * from "./wasi/preopen";
export * from "./wasi/process";
export * from "./wasi/start";
export * from "./wasi/transfer";
