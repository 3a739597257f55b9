// The network interface: where frames come in and where everything that is due goes out.
//
// Who calls what:
//   driver      -> interfaceInput() for each frame, interfacePoll() after each batch, interfaceLinkChanged()
//   transports  -> ip/output.ts (ipAllocate, ipSend), ip/routing.ts (ipSourceFor), ip/path_mtu.ts (pathMtuLower),
//                  transport.ts (registration, checksums)
//   network.ts  -> configure.ts, interfacePoll() from a timer set to interfaceDeadline()
// Time is always a parameter: `now` in monotonic nanoseconds.
// Nothing that a frame contains can make the stack read beyond `length`, loop without bound or keep memory for ever.
import { networkFollows } from "../optional/with_fork_network";
import { arpCacheClear, arpCacheDeadline, arpCachePoll } from "./arp/cache";
import { conflictAnnounce, conflictDeadline, conflictPoll } from "./arp/conflict";
import { arpInput } from "./arp/input";
import { eth0Counters, loCounters } from "./counters";
import { RX_CHECKSUM_BLANK, deviceCarrier, deviceMac, devicePresent } from "./device";
import { dhcpDeadline, dhcpPoll, dhcpReboot } from "./dhcp/client";
import { ipv4Input } from "./ipv4/input";
import { autoconfigurationDeadline, autoconfigurationPoll, ipv6LinkUp } from "./ipv6/autoconfiguration";
import { ipv6Input } from "./ipv6/input";
import { routesDeadline, routesPoll } from "./ipv6/routing";
import { neighbourClear, neighbourDeadline, neighbourPoll } from "./ndp/neighbours";
import { reassemblyDeadline, reassemblyPoll } from "./ip/reassembly";
import { loopbackFree, loopbackQueued, loopbackTake } from "./loopback";
import { pathMtuDeadline, pathMtuPoll } from "./ip/path_mtu";
import { RX_LINK_GROUP, RX_LOOPBACK } from "./receive_flags";
import { transportsPoll } from "./transport";
import {
  ETHERNET_HEADER,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ethernetCheckLength,
  ethernetDestination,
  ethernetEqual,
  ethernetIsGroup,
  ethernetType,
} from "./wire/ethernet";

/**
 * Takes one received Ethernet frame. The bytes are used during the call only; they may be overwritten.
 * @param flags RX_CHECKSUM_VALID | RX_CHECKSUM_BLANK
 */
export function interfaceInput(data: usize, length: u32, flags: u32, now: u64): void {
  eth0Counters.rxPackets += 1;
  eth0Counters.rxBytes += length;
  if (ethernetCheckLength(length) != 0) {
    eth0Counters.rxErrors += 1;
    return;
  }
  const destination = ethernetDestination(data);
  if (!ethernetEqual(destination, deviceMac())) {
    // A bridge floods frames for stations that it does not know; those are not ours.
    if (!ethernetIsGroup(destination)) {
      eth0Counters.rxDropped += 1;
      return;
    }
    eth0Counters.multicast += 1;
    flags |= RX_LINK_GROUP;
  }
  const type = ethernetType(data);
  if (type == ETHERTYPE_IPV4) ipv4Input(data + ETHERNET_HEADER, length - ETHERNET_HEADER, flags, now);
  else if (type == ETHERTYPE_IPV6) ipv6Input(data + ETHERNET_HEADER, length - ETHERNET_HEADER, flags, now);
  else if (type == ETHERTYPE_ARP) arpInput(data + ETHERNET_HEADER, length - ETHERNET_HEADER, now);
  else eth0Counters.rxDropped += 1;
}

/** Delivers what waits on the loopback and lets every protocol send what is due. Call it often, it is cheap. */
export function interfacePoll(now: u64): void {
  deliverLoopback(now);
  arpCachePoll(now);
  conflictPoll(now);
  neighbourPoll(now);
  autoconfigurationPoll(now);
  routesPoll(now);
  reassemblyPoll(now);
  pathMtuPoll(now);
  dhcpPoll(now);
  transportsPoll(now);
}

/** When interfacePoll() next has something to do, transports not counted; 0 = at once. */
export function interfaceDeadline(): u64 {
  if (loopbackQueued() != 0) return 0;
  const ipv6 = min(neighbourDeadline(), min(autoconfigurationDeadline(), routesDeadline()));
  const neighbours = min(min(arpCacheDeadline(), conflictDeadline()), ipv6);
  return min(min(neighbours, dhcpDeadline()), min(reassemblyDeadline(), pathMtuDeadline()));
}

/** What is queued now; answers to it wait for the next poll, so that two ends cannot keep us here. */
function deliverLoopback(now: u64): void {
  for (let left = loopbackQueued(); left != 0; left--) {
    const frame = loopbackTake();
    loCounters.rxPackets += 1;
    loCounters.rxBytes += frame.length;
    // It has never left memory: as with a peer on the same host, the transport checksum need not be looked at.
    const flags = RX_LOOPBACK | RX_CHECKSUM_BLANK;
    if (load<u8>(frame.data) >> 4 == 6) ipv6Input(frame.data, frame.length, flags, now);
    else ipv4Input(frame.data, frame.length, flags, now);
    loopbackFree(frame);
  }
}

/** Tells the stack that the device's carrier, MTU or features have changed. */
export function interfaceLinkChanged(now: u64): void {
  if (!devicePresent()) return;
  // It may be another network now, and the frames that wait hold buffers that the driver wants to renew.
  arpCacheClear();
  neighbourClear();
  if (!deviceCarrier() || networkFollows(now)) return;
  ipv6LinkUp(now);
  conflictAnnounce(now);
  dhcpReboot(now);
}

/** Gives every buffer of the device back before a suspend. */
export function interfaceSuspend(): void {
  arpCacheClear();
  neighbourClear();
}
