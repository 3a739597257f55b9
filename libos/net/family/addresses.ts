// The family's addresses as a message (MESSAGE_ADDRESSES): the leader tells forkd whenever they change, forkd the other processes.
//   0    the IPv4 lease (dhcp/lease.ts): address 0 = none; of a static address only address, prefix and gateway
//   48   u32 age of the lease in seconds, u32 how many IPv6 addresses
//   56   of each: 16 bytes address, u32 seconds that it is preferred, u32 that it is valid (LIFETIME_INFINITE), u8 prefix
//        length, u8 whether a router's prefix made it, 6 bytes 0
import { FORKD, MESSAGE_ADDRESSES, mailboxSend } from "../../../kernel/fork/mailbox";
import { NEVER, monotonicNow } from "../../../kernel/time/clock";
import { familyAddress } from "../../../kernel/optional/with_fork";
import { addressesSet, interfaceAddress, interfaceGateway, interfaceMask } from "../addresses";
import { LEASE_SIZE, Lease, dhcpLease, dhcpLeaseAge, dhcpTold } from "../dhcp/lease";
import { IpAddress } from "../ip/address";
import { pathMtuClear } from "../ip/path_mtu";
import { ADDRESSES, ADDRESS_FREE, ADDRESS_VALID, ownAddressAt } from "../ipv6/addresses";
import { ipv6Told } from "../ipv6/autoconfiguration";
import { arpCacheClear } from "../arp/cache";
import { isFollower } from "./follower";

const SECOND: u64 = 1_000_000_000;
const LIFETIME_INFINITE: u32 = 0xffffffff;
const AGE: usize = LEASE_SIZE;
const COUNT: usize = LEASE_SIZE + 4;
const HEADER: u32 = LEASE_SIZE + 8;
const ENTRY: u32 = 32;

const message = memory.data(312, 8); // HEADER and ADDRESSES entries
let untold = false;

/** In the child of a fork: its parent tells what there is to tell. */
export function addressesForked(): void {
  untold = false;
}

/** Export, by libos/optional/with_fork_network.ts. */
export function networkAddressesChanged(): void {
  if (isFollower()) return;
  untold = true;
  addressesTell();
}

/** Tells forkd of a change, if it does not know of it; without room later. */
export function addressesTell(): void {
  if (!untold || isFollower()) return;
  const length = compose(monotonicNow());
  if (mailboxSend(MESSAGE_ADDRESSES, 0, FORKD, message, length)) untold = false;
}

/** The length of the message. */
function compose(now: u64): u32 {
  memory.fill(message, 0, HEADER);
  const lease = changetype<Lease>(message);
  const address = interfaceAddress();
  if (address != 0 && dhcpLease().address == address) {
    memory.copy(message, changetype<usize>(dhcpLease()), LEASE_SIZE);
    store<u32>(message + AGE, dhcpLeaseAge(now));
  } else {
    lease.address = address;
    lease.prefixLength = popcnt(interfaceMask());
    lease.gateway = interfaceGateway();
  }
  let count: u32 = 0;
  for (let i: u32 = 0; i < ADDRESSES; i++) {
    const own = ownAddressAt(i);
    if (own.state != ADDRESS_VALID) continue;
    const entry = message + HEADER + <usize>(count * ENTRY);
    memory.fill(entry, 0, ENTRY);
    memory.copy(entry, changetype<usize>(own.address), 16);
    store<u32>(entry + 16, secondsLeft(own.preferredUntil, now));
    store<u32>(entry + 20, secondsLeft(own.validUntil, now));
    store<u8>(entry + 24, own.prefixLength);
    store<u8>(entry + 25, own.automatic ? 1 : 0);
    count += 1;
  }
  store<u32>(message + COUNT, count);
  return HEADER + count * ENTRY;
}

function secondsLeft(until: u64, now: u64): u32 {
  if (until == NEVER) return LIFETIME_INFINITE;
  return until <= now ? 0 : <u32>min((until - now) / SECOND, LIFETIME_INFINITE - 1);
}

function lifeOf(seconds: u32, now: u64): u64 {
  return seconds == LIFETIME_INFINITE ? NEVER : now + <u64>seconds * SECOND;
}

/** The leader's message: what it says is used from now on, unasked and unannounced. */
export function addressesTaken(payload: usize, length: u32, now: u64): void {
  if (!isFollower() || length < HEADER) return;
  const count = load<u32>(payload + COUNT);
  if (count > ADDRESSES || length != HEADER + count * ENTRY) return;
  takeLease(changetype<Lease>(payload), load<u32>(payload + AGE), now);
  for (let i: u32 = 0; i < ADDRESSES; i++) {
    const own = ownAddressAt(i);
    if (own.state != ADDRESS_FREE && !told(own.address, payload, count)) own.state = ADDRESS_FREE;
  }
  for (let i: u32 = 0; i < count; i++) {
    const entry = payload + HEADER + <usize>(i * ENTRY);
    const preferred = lifeOf(load<u32>(entry + 16), now);
    const valid = lifeOf(load<u32>(entry + 20), now);
    ipv6Told(changetype<IpAddress>(entry), load<u8>(entry + 24), preferred, valid, load<u8>(entry + 25) != 0, now);
  }
}

function told(address: IpAddress, payload: usize, count: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    if (address.equals(changetype<IpAddress>(payload + HEADER + <usize>(i * ENTRY)))) return true;
  }
  return false;
}

function takeLease(lease: Lease, age: u32, now: u64): void {
  const same = lease.address == interfaceAddress();
  if (lease.duration != 0) dhcpTold(lease, age, now);
  addressesSet(lease.address, lease.prefixLength, lease.gateway, lease.mtu);
  if (same) return;
  arpCacheClear();
  pathMtuClear();
  familyAddress(lease.address);
}
