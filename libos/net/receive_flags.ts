// Receive flags of the stack itself, beside the device's RX_ flags (device.ts).

/** The frame was sent to a group of stations: nothing in it may be answered with an error. */
export const RX_LINK_GROUP: u32 = 1 << 8;
/** The packet comes from ourselves by way of the loopback. */
export const RX_LOOPBACK: u32 = 1 << 9;
/** The packet has been put together of fragments, or says that it is one. */
export const RX_FRAGMENTED: u32 = 1 << 10;
/** The packet has a router alert among its hop-by-hop options. */
export const RX_ROUTER_ALERT: u32 = 1 << 11;
/** To transports, from this bit on: the packet's service field or traffic class. */
export const RX_SERVICE_SHIFT: u32 = 16;
