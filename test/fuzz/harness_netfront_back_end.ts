// A network back end with the rights of a real one: it reaches the pages that are granted to it, by the references that it is given,
// and nothing else. Its honest half follows netif.h; what a lying one writes is the caller's. test/fuzz/harness_netfront.ts drives it.
import { grantTableAddress, grantTableFrames } from "../../kernel/grant_table";
import {
  NETIF_RSP_NULL,
  NETTXF_extra_info,
  NETTXF_more_data,
  RX_SLOT_SIZE,
  TX_SLOT_SIZE,
} from "../../libos/net/netfront/netif";
import { receiveReference, transmitReference } from "./harness_netfront_xenstored";

export const REQ_PROD: usize = 0;
export const REQ_EVENT: usize = 4;
export const RSP_PROD: usize = 8;
const ENTRIES: u32 = 64;
const PAGE: u32 = 4096;

const GTF_permit_access: u16 = 1;
const GTF_readonly: u16 = 4;
const GTF_IN_USE: u16 = 8 | 16;
const ENTRIES_PER_FRAME: u32 = 512;

const ETHERTYPE_ARP: u16 = 0x0608; // 0x0806 as it stands in memory

let transmitAnswered: u32 = 0;
let receiveAnswered: u32 = 0;
let extraNext = false;
let moreNext = false;

/** ARP replies among the frames that were taken. */
export let repliesSeen: u32 = 0;

function grantEntries(): u32 {
  return grantTableFrames() * ENTRIES_PER_FRAME;
}

function grantEntry(reference: u32): usize {
  return grantTableAddress() + ((<usize>reference) << 3);
}

/** Address of the page that `reference` grants; 0 = none, or not to be written. */
export function grantedPage(reference: u32, toWrite: bool): usize {
  if (reference >= grantEntries()) return 0;
  const flags = load<u16>(grantEntry(reference));
  if ((flags & GTF_permit_access) == 0 || (toWrite && (flags & GTF_readonly) != 0)) return 0;
  return (<usize>load<u32>(grantEntry(reference), 4)) << 12;
}

/** Grants that are in force. */
export function grantsInForce(): u32 {
  let count: u32 = 0;
  for (let reference: u32 = 0; reference < grantEntries(); reference++) {
    if (load<u16>(grantEntry(reference)) != 0) count += 1;
  }
  return count;
}

/** Uses the page of `reference`, as a back end that maps it: the grant cannot be ended until letGo(). */
export function hold(reference: u32): void {
  if (grantedPage(reference, false) == 0) return;
  const entry = grantEntry(reference);
  store<u16>(entry, load<u16>(entry) | GTF_IN_USE);
}

/** Uses no page any more. */
export function letGo(): void {
  for (let reference: u32 = 0; reference < grantEntries(); reference++) {
    const entry = grantEntry(reference);
    store<u16>(entry, load<u16>(entry) & ~GTF_IN_USE);
  }
}

/** Page of the ring that the guest receives by, or sends by; 0 while it has none. */
export function ringPage(receiving: bool): usize {
  return grantedPage(receiving ? receiveReference : transmitReference, true);
}

function slot(page: usize, index: u32, size: u32): usize {
  const entries: u32 = 1 << (31 - clz((PAGE - ENTRIES) / size));
  return page + ENTRIES + (index & (entries - 1)) * size;
}

/** The rings have been made anew. */
export function backEndConnected(): void {
  transmitAnswered = 0;
  receiveAnswered = 0;
  extraNext = false;
  moreNext = false;
}

/**
 * Answers the next receive request with `length` bytes at `from`; of the eight bytes of the response, those whose bit is set in
 * `lies` are taken from `told` instead. Nothing happens when there is no request.
 */
export function deliver(from: usize, length: u32, lies: u32, told: usize): void {
  const page = ringPage(true);
  if (page == 0 || load<u32>(page + REQ_PROD) == receiveAnswered) return;
  const at = slot(page, receiveAnswered, RX_SLOT_SIZE);
  const buffer = grantedPage(load<u32>(at, 4), true);
  length = min(length, PAGE);
  if (buffer != 0) memory.copy(buffer, from, length);
  store<u32>(at, load<u16>(at)); // the id; offset 0
  store<u32>(at, length << 16, 4); // no flags, and the status
  for (let i: u32 = 0; i < RX_SLOT_SIZE; i++) {
    if ((lies >> i) & 1) store<u8>(at + i, load<u8>(told + i));
  }
  receiveAnswered += 1;
  store<u32>(page + RSP_PROD, receiveAnswered);
}

/**
 * Answers up to `count` transmit requests; `lies` and `told` as in deliver(), for the four bytes of each response.
 * @param honest the guest must keep to the protocol: a request for a page that is not granted stops the run
 */
export function complete(count: u32, lies: u32, told: usize, honest: bool): void {
  const page = ringPage(false);
  if (page == 0) return;
  for (; count != 0 && load<u32>(page + REQ_PROD) != transmitAnswered; count--) {
    const at = slot(page, transmitAnswered, TX_SLOT_SIZE);
    const extra = extraNext;
    const first = !moreNext && !extra;
    const data = grantedPage(load<u32>(at), false);
    const offset: u32 = load<u16>(at, 4);
    const size: u32 = load<u16>(at, 10);
    extraNext = false;
    if (!extra) {
      const flags = load<u16>(at, 6);
      if (honest && (data == 0 || offset >= PAGE || (!first && offset + size > PAGE))) unreachable();
      if (first && data != 0 && offset < PAGE - 64) look(data + offset);
      extraNext = first && (flags & NETTXF_extra_info) != 0;
      moreNext = (flags & NETTXF_more_data) != 0;
    }
    store<u32>(at, extra ? (<u32>NETIF_RSP_NULL) << 16 : load<u16>(at, 8));
    for (let i: u32 = 0; i < 4; i++) {
      if ((lies >> i) & 1) store<u8>(at + i, load<u8>(told + i));
    }
    transmitAnswered += 1;
  }
  store<u32>(page + RSP_PROD, transmitAnswered);
}

function look(frame: usize): void {
  if (load<u16>(frame + 12) == ETHERTYPE_ARP && load<u8>(frame + 21) == 2) repliesSeen += 1;
}
