// The connections of this process, for forkd to read: in pages that it maps (MESSAGE_FLOW_PAGE), so that it has them also when the process is
// no more. forkd keeps each flow with its owner when it shares a port anew, and has the peers of a dead process reset. A page
// is 102 entries of 40 bytes:
//   16 bytes remote address, 16 bytes local address (IPv4 mapped), u16 remote port, u16 local port, u8 protocol, u8 hold, 2 bytes 0
// Hold is 0 in the process that has the connection, 1 where only its sockets are (libos/net/handover/).
// Protocol 0: the entry is free; its first word is then the next free one's number and 1. Adding and removing cost the same however many there are;
// pages are not given back.
import { FORKD, MESSAGE_FLOW_PAGE, mailboxSend } from "../../../kernel/fork/mailbox";
import { PAGE_SHIFT, PAGE_SIZE, pageAlloc } from "../../../kernel/memory/pages";
import { ipIsLocal } from "../ip/routing";
import { TcpSocket } from "../tcp/socket";
import { INHERITED } from "../tcp/state";
import { IPPROTO_TCP } from "../wire/ipv4";

export const FLOW_SIZE: u32 = 40;
const FLOWS_PER_PAGE: u32 = 102;
const PROTOCOL: usize = 36;
const HOLD: usize = 37;
/** As many as one page can list: 104 448 connections. */
const MAXIMUM_PAGES: u32 = 1024;

/** A page: the addresses of the pages, u32 each. */
let directory: usize = 0;
let pages: u32 = 0;
/** Pages that forkd has been told of. */
let told: u32 = 0;
/** The number of the first free entry and 1; 0 = none. */
let free: u32 = 0;

const message = memory.data(8, 8);

function entryAt(number: u32): usize {
  const page = load<u32>(directory + ((<usize>(number / FLOWS_PER_PAGE)) << 2));
  return <usize>page + <usize>((number % FLOWS_PER_PAGE) * FLOW_SIZE);
}

/** One more page of free entries; false without memory. */
function grow(): bool {
  if (directory == 0) directory = pageAlloc();
  if (directory == 0 || pages == MAXIMUM_PAGES) return false;
  const page = pageAlloc();
  if (page == 0) return false;
  memory.fill(page, 0, PAGE_SIZE);
  store<u32>(directory + ((<usize>pages) << 2), <u32>page);
  const first = pages * FLOWS_PER_PAGE;
  pages += 1;
  for (let i = FLOWS_PER_PAGE; i != 0; i--) {
    store<u32>(page + <usize>((i - 1) * FLOW_SIZE), free);
    free = first + i;
  }
  return true;
}

/** Export, by libos/optional/with_fork_network.ts: lists a connection that has come into the table. Without memory it is not listed. */
export function flowAdded(s: TcpSocket): void {
  s.flowEntry = 0;
  if (ipIsLocal(s.remote) || (free == 0 && !grow())) return;
  s.flowEntry = free;
  const entry = entryAt(free - 1);
  free = load<u32>(entry);
  memory.copy(entry, changetype<usize>(s.remote), 16);
  memory.copy(entry + 16, changetype<usize>(s.local), 16);
  store<u16>(entry, s.remotePort, 32);
  store<u16>(entry, s.localPort, 34);
  store<u8>(entry + HOLD, s.state == INHERITED ? 1 : 0);
  atomic.store<u8>(entry + PROTOCOL, IPPROTO_TCP); // now the rest is true
  if (told != pages) flowPagesTell();
}

/** Export, by libos/optional/with_fork_network.ts: takes a connection that has left the table off the list. */
export function flowRemoved(s: TcpSocket): void {
  if (s.flowEntry == 0) return;
  const entry = entryAt(s.flowEntry - 1);
  atomic.store<u8>(entry + PROTOCOL, 0);
  store<u32>(entry, free);
  free = s.flowEntry;
  s.flowEntry = 0;
}

/** Whether this process has the connection (0), or only sockets of it (1). */
export function flowHold(s: TcpSocket, hold: u8): void {
  if (s.flowEntry != 0) atomic.store<u8>(entryAt(s.flowEntry - 1) + HOLD, hold);
}

/** Tells forkd of the pages that it does not know; without room later. */
export function flowPagesTell(): void {
  for (; told != pages; told++) {
    store<u32>(message, load<u32>(directory + ((<usize>told) << 2)) >> PAGE_SHIFT);
    if (!mailboxSend(MESSAGE_FLOW_PAGE, 0, FORKD, message, 4)) return;
  }
}

/** Whether forkd knows all pages. */
export function flowPagesTold(): bool {
  return told == pages;
}

/** forkd knows of no page: it has begun anew, or this is the child of a fork. */
export function flowPagesForget(): void {
  told = 0;
}
