// Address conflict detection (RFC 5227).
//
// A probe for a candidate address is sent while its lease is still being negotiated, and every ARP packet is watched
// from then on. We do not wait the 5 … 7 seconds of RFC 5227 section 2.1.1 before we use an address: an appliance is
// up in milliseconds, and the DHCP server has probed the address itself (RFC 2131 section 3.1). What the wait would have
// found is found by the ongoing detection of section 2.4.
import { log } from "../../../kernel/log";
import { NEVER } from "../../../kernel/time/clock";
import { interfaceAddress } from "../addresses";
import { arpSendAnnouncement, arpSendProbe } from "./output";
import { deviceMac } from "../device";
import { ethernetEqual } from "../wire/ethernet";

const SECOND: u64 = 1_000_000_000;
const ANNOUNCE_NUM: u32 = 2;
const ANNOUNCE_INTERVAL: u64 = 2 * SECOND;
const DEFEND_INTERVAL: u64 = 10 * SECOND;

let candidate: u32 = 0;
let candidateTaken: bool = false;
let announcements: u32 = 0;
let announceAt: u64 = NEVER;
let lastConflict: u64 = 0;
let hadConflict: bool = false;
let addressLost: bool = false;

/** Asks the link whether anybody has `address`, which we are about to use. */
export function conflictProbe(address: u32): void {
  candidate = address;
  candidateTaken = false;
  arpSendProbe(address);
}

/** True when somebody has shown to use `address` since conflictProbe(). */
export function conflictFound(address: u32): bool {
  return candidate == address && candidateTaken;
}

/** Announces our address now and once more two seconds later: after configuration, after a resume. */
export function conflictAnnounce(now: u64): void {
  candidate = 0;
  hadConflict = false;
  addressLost = false;
  if (interfaceAddress() == 0) {
    announceAt = NEVER;
    return;
  }
  announcements = ANNOUNCE_NUM - 1;
  announceAt = now + ANNOUNCE_INTERVAL;
  arpSendAnnouncement();
}

/** In the child of a fork: what is to be announced the parent announces. */
export function conflictForget(): void {
  candidate = 0;
  announceAt = NEVER;
}

/** True once after a second conflict within DEFEND_INTERVAL: the address is to be given up, if it can be. */
export function conflictTakeLost(): bool {
  const lost = addressLost;
  addressLost = false;
  return lost;
}

/** Looks at any ARP packet: its sender's addresses, and the address that is asked for when the sender's is 0. */
export function conflictInput(senderHardware: usize, senderProtocol: u32, probed: u32, now: u64): void {
  if (ethernetEqual(senderHardware, deviceMac())) return;
  if (candidate != 0 && (senderProtocol == candidate || probed == candidate)) candidateTaken = true;
  if (senderProtocol == 0 || senderProtocol != interfaceAddress()) return;
  // RFC 5227 section 2.4 (b): defend once, give up when the other insists.
  if (hadConflict && now - lastConflict < DEFEND_INTERVAL) {
    addressLost = true;
    return;
  }
  hadConflict = true;
  lastConflict = now;
  log("net").text("eth0 ").ipv4(senderProtocol).text(" is also used by ").mac(senderHardware).end();
  arpSendAnnouncement();
}

/** Sends the announcements that are due. */
export function conflictPoll(now: u64): void {
  if (now < announceAt) return;
  arpSendAnnouncement();
  announcements -= 1;
  announceAt = announcements == 0 ? NEVER : now + ANNOUNCE_INTERVAL;
}

/** When conflictPoll() next has something to do. */
export function conflictDeadline(): u64 {
  return announceAt;
}
