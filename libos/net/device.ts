// The contract between the network stack and the one network device it drives.
//
// The driver fills a Device and calls deviceRegister() once. From then on
//   - the stack takes a frame with deviceTransmitAllocate(), fills it and hands it back with deviceTransmit() or
//     deviceTransmitFree(); a frame has exactly one owner at any time;
//   - the driver calls interfaceInput() (interface.ts) for every received frame and interfacePoll() once after each
//     batch; the bytes are the driver's again as soon as interfaceInput() returns;
//   - after it had to refuse an allocation, the driver calls interfacePoll() when buffers are free again;
//   - the driver changes `carrier`, `mtu` and `features` in place and calls interfaceLinkChanged() afterwards.
//
// A frame begins in memory of its own, contiguous in virtual memory. Large text is not copied behind its header: it
// stays where the transport keeps it, in a block of deviceBlockAllocate(), and the frame refers to it
// (deviceTransmitAttach). The device reads such fragments until the frame is done, which is later than
// deviceTransmit() returns. So that what it reads is never another's, a block that its owner gives back is put to no other
// use while a frame refers to it. The owner itself may overwrite bytes that frames under way refer to; what that
// can do on the wire is its affair (tcp/send_queue.ts).

/** Frame flag: the transport checksum field holds the sum of the pseudo-header only; the device side completes it. */
export const TX_CHECKSUM_BLANK: u32 = 1 << 0;

/** Receive flag: someone trusted (the backend) has checked the transport checksum. */
export const RX_CHECKSUM_VALID: u32 = 1 << 0;
/** Receive flag: the frame never left the host; its transport checksum is the pseudo-header sum and need not be checked. */
export const RX_CHECKSUM_BLANK: u32 = 1 << 1;

/** Device feature: frames of IPv4 may be sent with TX_CHECKSUM_BLANK. */
export const CHECKSUM_OFFLOAD_TX: u32 = 1 << 0;
/** Device feature: the device cuts TCP over IPv4 frames with a gsoSize into segments. */
export const GSO_TCPV4: u32 = 1 << 1;
/** Device feature: frames may have fragments. A device that has it has CHECKSUM_OFFLOAD_TX too. */
export const SCATTER_GATHER: u32 = 1 << 2;

/** Device feature: frames of IPv6 may be sent with TX_CHECKSUM_BLANK, … */
export const CHECKSUM_OFFLOAD_TX_IPV6: u32 = 1 << 3;
/** … and the device cuts TCP over IPv6 frames with a gsoSize into segments; it then has CHECKSUM_OFFLOAD_TX_IPV6 too. */
export const GSO_TCPV6: u32 = 1 << 4;

/** Frames up to this size, in bytes, are better copied than sent in fragments; every device takes them. */
export const FRAME_COPIED_MAXIMUM: u32 = 2048;

/** Pages that frames may refer to; see deviceBlockAllocate(). */
@unmanaged
export class DeviceBlock {
  /** Address of the 2^order pages. */
  address: usize;
  order: u32;
}

/** A frame on its way out. */
@unmanaged
export class TransmitFrame {
  /** Address of the first byte; when handed to the device, of the Ethernet header. */
  data: usize;
  /** Bytes of the whole frame, fragments included; set by whoever hands it to the device. */
  length: u32;
  /** Bytes that may be written from `data` on. */
  capacity: u32;
  /** TX_ flags. */
  flags: u32;
  /** The driver's own. */
  buffer: u32;
  /** Link for queues of the frame's owner, whoever that is at the time. */
  next: usize;
  /** TCP payload bytes of each segment the device shall cut this frame into; 0 = send as it is. */
  gsoSize: u16;
  /** Service field (IPv4) or traffic class (IPv6) of the packet, 0 unless set, … */
  service: u8;
  /** … and its time to live or hop limit. IP's allocation sets the default. */
  hopLimit: u8;
  /**
   * The block in which the fragments lie, null = the frame has none. This field and the rest are deviceTransmitAttach()'s and
   * the driver's: a frame of the loopback does not even have them.
   */
  block: DeviceBlock;
  /** Address of the first fragment … */
  fragment: usize;
  /** … and its bytes. */
  fragmentLength: u32;
  /** Bytes of the second fragment, from the start of the block on: where a ring goes on. */
  wrappedLength: u32;
}

/** What a driver registers. */
@unmanaged
@final
export class Device {
  /** The Ethernet address: six bytes in the order of the wire, then two of padding. */
  mac: u64;
  /** Function index of (size: u32) => TransmitFrame: a frame of at least `size` bytes, flags, gsoSize and service 0; null = none free. */
  transmitAllocate: u32;
  /** Function index of (frame: TransmitFrame) => i32: sends and consumes the frame; 0, or -errno when it was dropped. */
  transmit: u32;
  /** Function index of (frame: TransmitFrame) => void: gives an unsent frame back. */
  transmitFree: u32;
  /** Function index of (frame: TransmitFrame) => bool: see deviceTransmitAttach(). Needed with SCATTER_GATHER, as the next two. */
  transmitAttach: u32;
  /** Function index of () => bool: see deviceTransmitted(); 0 = a frame has left when `transmit` returns. */
  transmitted: u32;
  /** Function index of (order: u32) => DeviceBlock: see deviceBlockAllocate(). */
  blockAllocate: u32;
  /** Function index of (block: DeviceBlock) => void: see deviceBlockFree(). */
  blockFree: u32;
  /** CHECKSUM_OFFLOAD_TX and the others above. */
  features: u32;
  /** Largest IPv4 packet (Ethernet payload) in bytes, not counting GSO. */
  mtu: u32;
  /** Largest frame in bytes, Ethernet header included, that the device takes with a gsoSize. */
  gsoMaximum: u32;
  /** True while frames can pass. */
  carrier: bool;
}

let device: Device = changetype<Device>(0);

/** Makes `registered` the device of the stack; 0 takes the device away. */
export function deviceRegister(registered: Device): void {
  device = registered;
}

/** True once a driver has registered. */
export function devicePresent(): bool {
  return changetype<usize>(device) != 0;
}

/** A frame with room for `size` bytes, or null when the device has none free. */
export function deviceTransmitAllocate(size: u32): TransmitFrame {
  if (!devicePresent()) return changetype<TransmitFrame>(0);
  return call_indirect<TransmitFrame>(device.transmitAllocate, size);
}

/** Sends `frame` and consumes it. 0, or -errno when the device dropped it. */
export function deviceTransmit(frame: TransmitFrame): i32 {
  return call_indirect<i32>(device.transmit, frame);
}

/** True when all frames that were sent have left; when some have not, the device wakes the kernel once they have. */
export function deviceTransmitted(): bool {
  return !devicePresent() || device.transmitted == 0 || call_indirect<bool>(device.transmitted);
}

/** Gives back a frame that is not to be sent. */
export function deviceTransmitFree(frame: TransmitFrame): void {
  call_indirect<void>(device.transmitFree, frame);
}

/**
 * Adds to `frame` the fragments `length` bytes at `address` and, behind them, `wrapped` bytes from the start of `block` on:
 * all of `block`, which is deviceBlockAllocate()'s. frame.length is still to be set.
 * @returns false when the device has no room for so many fragments now; it calls interfacePoll() when it has
 */
export function deviceTransmitAttach(
  frame: TransmitFrame,
  block: DeviceBlock,
  address: usize,
  length: u32,
  wrapped: u32,
): bool {
  frame.block = block;
  frame.fragment = address;
  frame.fragmentLength = length;
  frame.wrappedLength = wrapped;
  return call_indirect<bool>(device.transmitAttach, frame);
}

/** A block of 2^order pages that frames may refer to; null when the device has none: text is to be copied then. */
export function deviceBlockAllocate(order: u32): DeviceBlock {
  if ((deviceFeatures() & SCATTER_GATHER) == 0) return changetype<DeviceBlock>(0);
  return call_indirect<DeviceBlock>(device.blockAllocate, order);
}

/** Gives back a block of deviceBlockAllocate(), whatever has become of the device's features since. */
export function deviceBlockFree(block: DeviceBlock): void {
  call_indirect<void>(device.blockFree, block);
}

/** Address of the six bytes of the Ethernet address. A device must be present. */
export function deviceMac(): usize {
  return changetype<usize>(device) + offsetof<Device>("mac");
}

/** Largest IPv4 packet in bytes; 0 without a device. */
export function deviceMtu(): u32 {
  return devicePresent() ? device.mtu : 0;
}

/** True while frames can pass. */
export function deviceCarrier(): bool {
  return devicePresent() && device.carrier;
}

/** CHECKSUM_OFFLOAD_TX and the other features, as far as the device has them. */
export function deviceFeatures(): u32 {
  return devicePresent() ? device.features : 0;
}

/** Largest frame in bytes that may carry a gsoSize; 0 when the device cannot segment what `feature` says: GSO_TCPV4 or GSO_TCPV6. */
export function deviceGsoMaximum(feature: u32 = GSO_TCPV4): u32 {
  return (deviceFeatures() & feature) != 0 ? device.gsoMaximum : 0;
}
