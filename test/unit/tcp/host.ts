// What the harnesses take from the test (module "host").

/** The device has been given a frame: bytes, TX_ flags, gsoSize. */
export declare function transmitted(data: usize, length: u32, flags: u32, gsoSize: u32): void;
