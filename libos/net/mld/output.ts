// Multicast listener discovery output (RFC 3810, RFC 2710). Every message is repeated by its caller, so one for which the device
// has no buffer is simply lost.
import { TransmitFrame } from "../device";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { ipv6SourceSelect, linkGroup } from "../ipv6/addresses";
import { ipv6Allocate, ipv6Send } from "../ipv6/output";
import { transportChecksum } from "../transport";
import { ICMPV6_CHECKSUM, icmpv6Write } from "../wire/icmpv6";
import { IPPROTO_ICMPV6, NEXT_HOP_BY_HOP, ROUTER_ALERT_HEADER, routerAlertWrite } from "../wire/ipv6";

/** RFC 3810 section 5: no router passes it on. */
const HOP_LIMIT: u8 = 1;
/** ff02::16, all routers that know this version, and ff02::2, all routers. */
const MLD_ROUTERS: u8 = 0x16;
const ALL_ROUTERS: u8 = 2;

const source = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const destination = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** A frame for a message of `length` bytes to `to`, or to all routers of MLD when that is null; null = none free. */
export function mldAllocate(length: u32, to: IpAddress): TransmitFrame {
  if (changetype<usize>(to) == 0) linkGroup(destination, MLD_ROUTERS);
  else destination.copy(to);
  const frame = ipv6Allocate(destination, ROUTER_ALERT_HEADER + length);
  if (changetype<usize>(frame) != 0) routerAlertWrite(frame.data, IPPROTO_ICMPV6);
  return frame;
}

/** Where the message stands in a frame of mldAllocate(). */
export function mldMessage(frame: TransmitFrame): usize {
  return frame.data + ROUTER_ALERT_HEADER;
}

/** Sends the message of `type` in the frame that mldAllocate() gave last; `parameter` is the word behind its checksum. */
export function mldSend(frame: TransmitFrame, type: u8, parameter: u32, length: u32, now: u64): void {
  // RFC 3590 section 4: from a link-local address, or from none while there is none, as in duplicate address detection.
  if (!ipv6SourceSelect(destination, source, now) || !source.isLinkLocal()) source.clear();
  const message = mldMessage(frame);
  icmpv6Write(message, type, 0, parameter);
  const sum = transportChecksum(source, destination, IPPROTO_ICMPV6, message, length);
  store<u16>(message + ICMPV6_CHECKSUM, sum);
  ipv6Send(frame, NEXT_HOP_BY_HOP, source, destination, ROUTER_ALERT_HEADER + length, HOP_LIMIT, now);
}

/** Makes `group` that of all routers, to whom the older version says good-bye. */
export function allRouters(group: IpAddress): void {
  linkGroup(group, ALL_ROUTERS);
}
