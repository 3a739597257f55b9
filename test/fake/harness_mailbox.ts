// kernel.wasm for the fake Xen, with the mailbox and the list of connections as system calls.
import { mailboxSend } from "../../kernel/fork/mailbox";
import { pageAlloc } from "../../kernel/memory/pages";
import { flowAdded, flowRemoved } from "../../libos/net/family/flow_list";
import { TcpSocket } from "../../libos/net/tcp/socket";

export * from "./harness";

const payload = memory.data(4096, 8);
let rooms = 0;

/** In place of libos/process/messages.ts's: counts. */
export function familyRoom(): void {
  rooms += 1;
}

export function test_send(type: u32, pid: i32, length: u32): i32 {
  return mailboxSend(type, 0, pid, payload, length) ? 1 : 0;
}

export function test_rooms(): i32 {
  return rooms;
}

const SOCKETS = 512;
const sockets = memory.data(2048, 4); // their addresses, u32 each

/** Connection `index` from 10.0.0.3, port 1000 + index, to port 80 of 10.0.0.2 begins: 0, or 1 without memory. */
export function test_connect(index: i32): i32 {
  const page = index < SOCKETS ? pageAlloc() : 0;
  if (page == 0) return 1;
  memory.fill(page, 0, 4096);
  const s = changetype<TcpSocket>(page);
  s.local.setIpv4(0x0a000002);
  s.remote.setIpv4(0x0a000003);
  s.localPort = 80;
  s.remotePort = <u16>(1000 + index);
  store<u32>(sockets + ((<usize>index) << 2), <u32>page);
  flowAdded(s);
  return 0;
}

/** And ends. */
export function test_disconnect(index: i32): i32 {
  flowRemoved(changetype<TcpSocket>(<usize>load<u32>(sockets + ((<usize>index) << 2))));
  return 0;
}
