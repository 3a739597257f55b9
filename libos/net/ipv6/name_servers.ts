// Name servers and search domains that routers tell (RFC 8106), each for the time that they say.
import { IpAddress } from "../ip/address";
import {
  NDP_NAME_SERVERS,
  NDP_SEARCH_LIST,
  ndpNameServer,
  ndpNameServerCount,
  ndpOption,
  ndpOptionNext,
  ndpSearchList,
  ndpSearchListLength,
  ndpValidLifetime,
} from "../wire/ndp";
import { lifetimeEnd } from "./lifetime";

/** RFC 8106 section 5.3.1: three are enough. */
const SERVERS: u32 = 3;
/** Bytes of a search list that are kept. */
const SEARCH_LIST_MAXIMUM: u32 = 256;

@unmanaged
@final
class NameServer {
  /** 0 = the entry is free. */
  until: u64;
  // Storage of the address: use `address`.
  private high: u64;
  private low: u64;

  get address(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<NameServer>("high"));
  }
}

const servers = memory.data(72, 8); // SERVERS of 24 bytes
const searchList = memory.data(256, 8);
let searchListBytes: u32 = 0;
let searchListUntil: u64 = 0;

function serverEntry(index: u32): NameServer {
  return changetype<NameServer>(servers + <usize>index * offsetof<NameServer>());
}

/** Name server `index` (0 …) of those that hold at `now`; null = no more. */
export function ipv6NameServer(index: u32, now: u64): IpAddress {
  for (let i: u32 = 0; i < SERVERS; i++) {
    const server = serverEntry(i);
    if (server.until <= now) continue;
    if (index == 0) return server.address;
    index -= 1;
  }
  return changetype<IpAddress>(0);
}

/** Bytes of the search list that holds at `now`: names in wire form, one behind the other, padded with zeros. 0 = none. */
export function ipv6SearchListLength(now: u64): u32 {
  return now < searchListUntil ? searchListBytes : 0;
}

/** Address of the search list. */
export function ipv6SearchList(): usize {
  return searchList;
}

/** Takes what the options in [options, end) of a router advertisement, which are valid, say of names. */
export function namesAdvertised(options: usize, end: usize, now: u64): void {
  let option = ndpOption(options, end, NDP_NAME_SERVERS);
  while (option != 0) {
    const until = lifetimeEnd(ndpValidLifetime(option), now);
    for (let i: u32 = 0, count = ndpNameServerCount(option); i < count; i++) take(ndpNameServer(option, i), until, now);
    option = ndpOption(ndpOptionNext(option), end, NDP_NAME_SERVERS);
  }
  option = ndpOption(options, end, NDP_SEARCH_LIST);
  if (option == 0) return;
  searchListUntil = lifetimeEnd(ndpValidLifetime(option), now);
  searchListBytes = min(ndpSearchListLength(option), SEARCH_LIST_MAXIMUM);
  memory.copy(searchList, ndpSearchList(option), searchListBytes);
}

/** RFC 8106 section 6.2: a known server's time is set anew; a new one takes a free place, or that of the one whose time ends first. */
function take(address: IpAddress, until: u64, now: u64): void {
  if (address.isMulticast() || address.isAny() || address.isIpv4()) return;
  let chosen = serverEntry(0);
  for (let i: u32 = 0; i < SERVERS; i++) {
    const server = serverEntry(i);
    if (server.until > now && server.address.equals(address)) {
      server.until = until;
      return;
    }
    if (server.until < chosen.until) chosen = server;
  }
  if (until <= now || (chosen.until > now && until < chosen.until)) return;
  chosen.address.copy(address);
  chosen.until = until;
}

/** Forgets all: the link may be another one. */
export function namesForget(): void {
  for (let i: u32 = 0; i < SERVERS; i++) serverEntry(i).until = 0;
  searchListUntil = 0;
}
