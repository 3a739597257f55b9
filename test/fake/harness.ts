// kernel.wasm for the fake Xen: kernel and libos as the image has them, where their static data ends, and the xenstore
// client as system calls, with paths and values in app memory.
import { APP_BASE } from "../../kernel/memory/app_space";
import { IP_ADDRESS_SIZE, IpAddress } from "../../libos/net/ip/address";
import { isnFor, timestampOffsetFor } from "../../libos/net/tcp/isn";
import { TextBuffer, textBuffer } from "../../kernel/text";
import { WATCH_SIZE, Watch, watchStart, watchStop } from "../../kernel/xenbus/watch";
import {
  xenstoreDirectory,
  xenstoreRead,
  xenstoreRemove,
  xenstoreTransactionBegin,
  xenstoreTransactionEnd,
  xenstoreWrite,
} from "../../kernel/xenbus/xenstore";

export * from "../../libos/main_network";
export * from "../../libos/main_disk";
export * from "../../libos/main_network_proc";
export * from "../../libos/main_network_wasi";
export * from "../../libos/main_proc";
export * from "../../libos/main_programs";
export * from "../../libos/main_wasi";

const path = changetype<TextBuffer>(memory.data(16, 8));
const value = changetype<TextBuffer>(memory.data(16, 8));
const watch = changetype<Watch>(memory.data(WATCH_SIZE, 8));
let events: u32 = 0;

/** One past the static data. */
export function staticDataEnd(): usize {
  return __heap_base;
}

function span(text: TextBuffer, offset: u32, length: u32): TextBuffer {
  textBuffer(text, APP_BASE + offset, length).length = length;
  return text;
}

export function test_read(at: u32, length: u32, target: u32, capacity: u32, transaction: u32): i32 {
  return xenstoreRead(span(path, at, length), APP_BASE + target, capacity, transaction);
}

export function test_write(at: u32, length: u32, from: u32, count: u32, transaction: u32): i32 {
  return xenstoreWrite(span(path, at, length), span(value, from, count), transaction);
}

export function test_remove(at: u32, length: u32): i32 {
  return xenstoreRemove(span(path, at, length));
}

export function test_directory(at: u32, length: u32, target: u32, capacity: u32): i32 {
  return xenstoreDirectory(span(path, at, length), APP_BASE + target, capacity);
}

export function test_begin(): i64 {
  return xenstoreTransactionBegin();
}

export function test_end(transaction: u32, commit: i32): i32 {
  return xenstoreTransactionEnd(transaction, commit != 0);
}

function onWatch(_argument: usize): void {
  events += 1;
}

export function test_watch(at: u32, length: u32): i32 {
  return watchStart(watch, span(path, at, length), onWatch.index, 0);
}

export function test_unwatch(): i32 {
  watchStop(watch);
  return 0;
}

export function test_events(): i32 {
  return events;
}

const local = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const remote = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

function ends(): void {
  local.setIpv4(0x0a000002);
  remote.setIpv4(0x0a000003);
}

/** The initial sequence number of one certain connection at one certain time: what is left of it is the secret. */
export function test_isn(): i32 {
  ends();
  return isnFor(local, 80, remote, 49152, 0);
}

export function test_timestamp_offset(): i32 {
  ends();
  return timestampOffsetFor(local, remote);
}
