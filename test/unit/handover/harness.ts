// The TCP stack of a process that can fork: the harness of TCP, with all that only such images have (libos/optional/with_fork_network.ts), and its mailbox.
import { forkDescriptor, forkDescriptorInit } from "../../../kernel/fork/descriptor";
import { mailboxForked, mailboxInit, mailboxTake } from "../../../kernel/fork/mailbox";
import { Thread } from "../../../kernel/thread/scheduler";
import { WAITER_SIZE, Waiter, waiterAdd, waiterRemove } from "../../../kernel/thread/wait_queue";
import { Device, deviceMac } from "../../../libos/net/device";
import { listenersTell } from "../../../libos/net/family/listeners";
import { networkUnreleased } from "../../../libos/net/handover/finish";
import { TcpSocket } from "../../../libos/net/tcp/socket";
import { IP_ADDRESS_SIZE, IpAddress } from "../../../libos/net/ip/address";
import { UdpSocket, udpBind, udpSocketCreate } from "../../../libos/net/udp/socket";
import { tableUnfinished } from "../../../libos/net/tcp/table";

/** Makes the mailbox of the first process, which forkd serves; where it is. */
export function mailboxStart(): usize {
  if (!forkDescriptorInit() || !mailboxInit()) return 0;
  forkDescriptor().ready = 1;
  return forkDescriptor().mailbox;
}

/** The network device is connected, or lost; the first as netfront tells it, and follower.ts passes it on. */
export function deviceConnected(yes: bool): void {
  changetype<Device>(deviceMac() - offsetof<Device>("mac")).carrier = yes;
  if (yes) listenersTell();
}

/** Whether forkd serves the process. */
export function served(yes: bool): void {
  forkDescriptor().ready = yes ? 1 : 0;
}

export function sharingOf(s: TcpSocket): u32 {
  return s.sharing;
}

const anyAddress = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** A socket for datagrams to `port`; 0 = a port that the kernel chooses. */
export function datagramSocket(port: u16): UdpSocket {
  const socket = udpSocketCreate(false);
  anyAddress.setIpv4(0);
  return udpBind(socket, anyAddress, port) == 0 ? socket : changetype<UdpSocket>(0);
}

const sleeper = changetype<Thread>(memory.data(offsetof<Thread>(), 8));
const place = changetype<Waiter>(memory.data(WAITER_SIZE, 8));

/** A thread begins to wait for the socket. */
export function waitBegin(s: TcpSocket): void {
  sleeper.woken = false;
  waiterAdd(s.waitQueue, place);
  place.thread = changetype<usize>(sleeper);
}

/** It waits no more: whether it has been woken. */
export function waitEnd(): bool {
  waiterRemove(place);
  return sleeper.woken;
}

/** Whether a process that ends has to wait. */
export function unfinished(): bool {
  return tableUnfinished() || networkUnreleased();
}

export { mailboxForked, mailboxTake };
export { udpClose, udpPollEvents } from "../../../libos/net/udp/socket";
export { familyMessage, familyRoom } from "../../../libos/process/messages";
export { flowAdded, flowRemoved } from "../../../libos/net/family/flow_list";
export { networkForked, networkPorts } from "../../../libos/net/family/forked";
export { networkListens, networkServes } from "../../../libos/net/family/listeners";
export { networkMessage, networkRoom } from "../../../libos/net/family/messages";
export { networkReleases, networkUnreleased } from "../../../libos/net/handover/finish";
export { networkShares } from "../../../libos/net/handover/forked";
export { inheritedArrives } from "../../../libos/net/handover/frames";
export { connectionClaim } from "../../../libos/net/handover/inherited";
export { listenerLeaves } from "../../../libos/net/handover/leaving_listener";
export { connectionOffers, connectionReleases, inheritedExpired } from "../../../libos/net/handover/release";
export * from "./harness_passing";
export * from "../tcp/harness";
