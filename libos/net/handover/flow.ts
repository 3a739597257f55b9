// How messages name a connection: as the pages of flow_list.ts do, seen from the process that sends or gets the message. And the walk over
// all connections with other hosts, one at a time.
import { ipIsLocal } from "../ip/routing";
import { IpAddress } from "../ip/address";
import { ENDPOINT_SOCKET, TcpEndpoint } from "../tcp/endpoint";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { NO_ENDPOINT, isTimeWait, tableChain, tableChains, tableFind, tableFindBehind } from "../tcp/table";
import { IPPROTO_TCP } from "../wire/ipv4";

/** Bytes of a connection's name: what payloads begin with. */
export const FLOW: u32 = 40;

const REMOTE_PORT: usize = 32;
const LOCAL_PORT: usize = 34;
const PROTOCOL: usize = 36;

/** Where messages are put together: enough for a flow and what stands before a piece of a state. */
export const scratch = memory.data(52, 8);

/** Writes the name of `e`, FLOW bytes. */
export function flowWrite(e: TcpEndpoint, at: usize): void {
  memory.copy(at, changetype<usize>(e.remote), 16);
  memory.copy(at + 16, changetype<usize>(e.local), 16);
  store<u16>(at + REMOTE_PORT, e.remotePort);
  store<u16>(at + LOCAL_PORT, e.localPort);
  store<u32>(at + PROTOCOL, IPPROTO_TCP);
}

/** Gives `e` the ends that `flow` names. */
export function flowRead(e: TcpEndpoint, flow: usize): void {
  e.remote.copy(flowRemote(flow));
  e.local.copy(flowLocal(flow));
  e.remotePort = flowRemotePort(flow);
  e.localPort = flowLocalPort(flow);
}

export function flowRemote(flow: usize): IpAddress {
  return changetype<IpAddress>(flow);
}

export function flowLocal(flow: usize): IpAddress {
  return changetype<IpAddress>(flow + 16);
}

export function flowRemotePort(flow: usize): u16 {
  return load<u16>(flow + REMOTE_PORT);
}

export function flowLocalPort(flow: usize): u16 {
  return load<u16>(flow + LOCAL_PORT);
}

/** What is in the table under the name, NO_ENDPOINT when nothing is. */
export function flowEndpoint(flow: usize): TcpEndpoint {
  if (load<u8>(flow + PROTOCOL) != IPPROTO_TCP) return NO_ENDPOINT;
  return tableFind(flowLocal(flow), flowLocalPort(flow), flowRemote(flow), flowRemotePort(flow));
}

/** The connection of that name, NO_SOCKET when there is none. One that is over may stand behind its TIME_WAIT. */
export function flowSocket(flow: usize): TcpSocket {
  let e = flowEndpoint(flow);
  if (e != NO_ENDPOINT && isTimeWait(e)) e = tableFindBehind(e);
  return e == NO_ENDPOINT || e.kind != ENDPOINT_SOCKET ? NO_SOCKET : changetype<TcpSocket>(e);
}

/** Whether two names are the same. */
export function flowsEqual(one: usize, other: usize): bool {
  return memory.compare(one, other, PROTOCOL) == 0;
}

let chain: u32 = 0;
let ahead: TcpEndpoint = changetype<TcpEndpoint>(0);

/** Begins the walk; one at a time. */
export function walkBegin(): void {
  chain = 0;
  ahead = tableChain(0);
}

/** The next connection, NO_SOCKET at the end. The caller may free the one that it has got, and no other. */
export function walkNext(): TcpSocket {
  while (true) {
    while (ahead == NO_ENDPOINT) {
      chain += 1;
      if (chain >= tableChains()) return NO_SOCKET;
      ahead = tableChain(chain);
    }
    const e = ahead;
    ahead = changetype<TcpEndpoint>(e.hashNext);
    if (e.kind == ENDPOINT_SOCKET && !ipIsLocal(e.remote)) return changetype<TcpSocket>(e);
  }
}
