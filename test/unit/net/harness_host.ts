// What the harness takes from the test (module "harness_host").

/** The device has been given a frame: bytes, TX_ flags, gsoSize. */
export declare function transmitted(data: usize, length: u32, flags: u32, gsoSize: u32): void;
/** DHCP gave the interface another configuration (1) or took it away (0). */
export declare function addressChanged(configured: u32): void;
