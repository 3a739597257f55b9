// The network interface: where frames come in and where everything that is due goes out.
//
// Who calls what:
//   driver      -> interfaceInput() for each frame, interfacePoll() after each batch, interfaceLinkChanged()
//   transports  -> ipv4_output.ts (ipv4Allocate, ipv4Send, ipv4PathMtu), routing.ts (ipv4SourceFor),
//                  path_mtu.ts (pathMtuLower), transport.ts (registration, checksums)
//   network.ts  -> interfaceConfigure(), interfacePoll() from a timer set to interfaceDeadline()
// Time is always a parameter: `now` in monotonic nanoseconds.
// Nothing that a frame contains can make the stack read beyond `length`, loop without bound or keep memory for ever.

/**
 * Takes one received Ethernet frame. The bytes are only read during the call.
 * @param flags RX_CHECKSUM_VALID | RX_CHECKSUM_BLANK
 */
export function interfaceInput(data: usize, length: u32, flags: u32, now: u64): void {
}

/** Delivers what waits on the loopback and lets every protocol send what is due. Call it often, it is cheap. */
export function interfacePoll(now: u64): void {
}

/** Tells the stack that the device's carrier, MTU or features have changed. */
export function interfaceLinkChanged(now: u64): void {
}
