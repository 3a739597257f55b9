// ARP input (RFC 826 "Packet Reception").
import { interfaceAddress } from "../addresses";
import { arpCounters } from "../counters";
import { arpLearn } from "./cache";
import { conflictInput } from "./conflict";
import { arpSendReply } from "./output";
import {
  ARP_REPLY,
  ARP_REQUEST,
  arpCheckLength,
  arpOperation,
  arpSenderHardware,
  arpSenderProtocol,
  arpTargetProtocol,
} from "../wire/arp";
import { ethernetIsGroup } from "../wire/ethernet";

/** True for a request or reply of a station, which is no group. */
function isSound(packet: usize, available: u32): bool {
  if (arpCheckLength(packet, available) != 0) return false;
  const operation = arpOperation(packet);
  if (operation != ARP_REQUEST && operation != ARP_REPLY) return false;
  return !ethernetIsGroup(arpSenderHardware(packet));
}

/** Takes an ARP packet of `available` bytes. */
export function arpInput(packet: usize, available: u32, now: u64): void {
  if (!isSound(packet, available)) {
    arpCounters.inErrors += 1;
    return;
  }
  const operation = arpOperation(packet);
  if (operation == ARP_REQUEST) arpCounters.inRequests += 1;
  else arpCounters.inReplies += 1;
  const hardware = arpSenderHardware(packet);
  const sender = arpSenderProtocol(packet);
  const target = arpTargetProtocol(packet);
  const isProbe = operation == ARP_REQUEST && sender == 0;
  conflictInput(hardware, sender, isProbe ? target : 0, now);

  const own = interfaceAddress();
  if (own == 0) return;
  const forUs = operation == ARP_REQUEST && target == own;
  if (sender != 0 && sender != own) arpLearn(sender, hardware, forUs, now);
  // A probe is answered as well: the prober must learn that the address is taken.
  if (forUs && sender != own) arpSendReply(hardware, sender);
}
