// ARP output (RFC 826, RFC 5227). Each function sends one packet, or none when the device has no buffer: every one of
// them is repeated by its caller or by the peer.
import { interfaceAddress } from "../addresses";
import { arpCounters } from "../counters";
import { deviceCarrier, deviceMac, deviceTransmitAllocate } from "../device";
import { ethernetSend } from "../ethernet_output";
import { ARP_PACKET, ARP_REPLY, ARP_REQUEST, arpWrite } from "../wire/arp";
import { ETHERNET_HEADER, ETHERTYPE_ARP, ethernetSetBroadcast } from "../wire/ethernet";

const broadcast = memory.data(8, 8);

/** Sends one packet to the Ethernet address at `destination`; 0 = broadcast. */
function send(operation: u16, destination: usize, senderProtocol: u32, targetHardware: usize, target: u32): void {
  if (!deviceCarrier()) return;
  const frame = deviceTransmitAllocate(ETHERNET_HEADER + ARP_PACKET);
  if (changetype<usize>(frame) == 0) return;
  if (operation == ARP_REQUEST) arpCounters.outRequests += 1;
  else arpCounters.outReplies += 1;
  frame.data += ETHERNET_HEADER;
  frame.capacity -= ETHERNET_HEADER;
  frame.length = ARP_PACKET;
  arpWrite(frame.data, operation, deviceMac(), senderProtocol, targetHardware, target);
  if (destination == 0) ethernetSetBroadcast(broadcast);
  ethernetSend(frame, destination == 0 ? broadcast : destination, ETHERTYPE_ARP);
}

/** Asks who has `target`: everybody, or (to refresh an entry, RFC 1122 section 2.3.2.1) the station at `mac`. */
export function arpSendRequest(target: u32, mac: usize): void {
  send(ARP_REQUEST, mac, interfaceAddress(), 0, target);
}

/** Answers a request of the station at `mac`, whose address is `target`, for our address. */
export function arpSendReply(mac: usize, target: u32): void {
  send(ARP_REPLY, mac, interfaceAddress(), mac, target);
}

/** Asks whether anybody has `candidate`, without claiming it (RFC 5227 section 2.1.1). */
export function arpSendProbe(candidate: u32): void {
  send(ARP_REQUEST, 0, 0, 0, candidate);
}

/** Tells everybody that our address is ours (RFC 5227 section 2.3), also known as gratuitous ARP. */
export function arpSendAnnouncement(): void {
  send(ARP_REQUEST, 0, interfaceAddress(), 0, interfaceAddress());
}
