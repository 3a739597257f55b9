// Netfront: the network device of a Xen guest (xen/include/public/io/netif.h). This file is the driver of the xenbus
// front end (what is negotiated, made and given back) and the device the network stack sees; receive.ts and
// transmit.ts are the two rings.
//
// Negotiated: copying receive, scatter-gather, TCP segmentation and blank checksums both ways and for both families of IP,
// split event channels. One queue, for one vCPU; no control ring.
// What outlives a connection: all pages and their grants. What belongs to it: the event channels and the rings' content.
import { ENODEV, ENOMEM, EOPNOTSUPP } from "../../../kernel/errno";
import {
  eventChannelAllocUnbound,
  eventChannelClose,
  eventChannelHandle,
  eventChannelNotify,
} from "../../../kernel/event_channel";
import { log } from "../../../kernel/log";
import { pageAlloc } from "../../../kernel/memory/pages";
import { TextBuffer, textBuffer } from "../../../kernel/text";
import { monotonicNow } from "../../../kernel/time/clock";
import { Timer, TIMER_SIZE, timerInit, timerSet } from "../../../kernel/time/timer";
import { workRegister } from "../../../kernel/work";
import { startInfo } from "../../../kernel/xen/start_info";
import { Frontend } from "../../../kernel/xenbus/frontend";
import { FRONTEND_SIZE, FrontendDriver } from "../../../kernel/xenbus/frontend_record";
import { xenstoreDirectory } from "../../../kernel/xenbus/xenstore";
import { CHECKSUM_OFFLOAD_TX, CHECKSUM_OFFLOAD_TX_IPV6, GSO_TCPV4, GSO_TCPV6, SCATTER_GATHER } from "../device";
import { Device, TransmitFrame, deviceRegister } from "../device";
import { interfaceLinkChanged, interfacePoll } from "../interface";
import { blockAllocate, blockFree, blocksInit } from "./blocks";
import {
  grantReference,
  grantedPageAdd,
  grantedPagesForget,
  grantedPagesGrant,
  grantedPagesInit,
} from "./granted_pages";
import { RECEIVE_BUFFERS_MAX, RECEIVE_BUFFERS_MIN, receive, receiveInit, receivePush, receiveStart } from "./receive";
import { SMALL_PAGES_MAX, TRANSMIT_MAXIMUM, TRANSMIT_SMALL_MAXIMUM } from "./transmit";
import { transmitAllocate, transmitAttach, transmitFree, transmitInit } from "./transmit";
import { transmitPush, transmitQueue, transmitReady, transmitStart, transmitStop, transmitted } from "./transmit";

const ETHERNET_HEADER: u32 = 14;
const DEFAULT_MTU: u32 = 1500;
const MINIMUM_MTU: u32 = 576;
const MAC_TEXT_LENGTH: u32 = 17;
/** Frames taken in one pass of the kernel's work; what is left then waits for the timer, so that the app can run. */
const RECEIVE_BUDGET: i32 = 512;

// Order of the reads in offer().
const READ_SPLIT: u32 = 0;
const READ_SG: u32 = 1;
const READ_GSO: u32 = 2;
const READ_GSO_IPV6: u32 = 3;
const READ_NO_CHECKSUM: u32 = 4;
const READ_CHECKSUM_IPV6: u32 = 5;
const READ_COPY: u32 = 6;
const READ_MAC: u32 = 7;
const READ_MTU: u32 = 8;

/** Pages of the largest direct map (kernel/memory/direct_map.ts ends it at 1 GiB). */
const DIRECT_MAP_PAGES: u64 = 1 << 18;

const frontend = changetype<Frontend>(memory.data(FRONTEND_SIZE, 8));
const driver = changetype<FrontendDriver>(memory.data(20, 8));
const device = changetype<Device>(memory.data(56, 8));
const again = changetype<Timer>(memory.data(TIMER_SIZE, 8));

/** Once 0 or -errno, it stays: a domain that is too small for the pages does not grow. */
const PAGES_NOT_MADE: i32 = 1;
let pagesResult: i32 = PAGES_NOT_MADE;
let registered = false;
let transmitRing: usize = 0;
let receiveRing: usize = 0;
let transmitPort: u32 = 0;
let receivePort: u32 = 0; // the same as transmitPort without split event channels
let connected = false;
let inPass = false; // frames are pushed together at the end of the pass
let afterRestore = false; // ports and grants vanished with the old domain

// ---- memory ----

/** Allocates everything that outlives connections, sized by the domain's memory. */
function makePages(): i32 {
  const pages = <u32>min(startInfo().nr_pages, DIRECT_MAP_PAGES);
  transmitRing = pageAlloc();
  receiveRing = pageAlloc();
  if (transmitRing == 0 || receiveRing == 0) return -ENOMEM;
  let result = grantedPagesInit(pages);
  if (result < 0) return result;
  grantedPageAdd(transmitRing, true);
  grantedPageAdd(receiveRing, true);
  const receiveBuffers: u32 = 1 << (31 - clz(pages / 16));
  result = receiveInit(receiveRing, min(max(receiveBuffers, RECEIVE_BUFFERS_MIN), RECEIVE_BUFFERS_MAX));
  if (result < 0) return result;
  blocksInit(pages);
  return transmitInit(transmitRing, min(max(pages / 32, 8), SMALL_PAGES_MAX));
}

// ---- the xenbus driver ----

function offer(front: Frontend): void {
  const batch = front.batch;
  batch.read(front.backendPath(), "feature-split-event-channels");
  batch.read(front.backendPath(), "feature-sg");
  batch.read(front.backendPath(), "feature-gso-tcpv4");
  batch.read(front.backendPath(), "feature-gso-tcpv6");
  batch.read(front.backendPath(), "feature-no-csum-offload");
  batch.read(front.backendPath(), "feature-ipv6-csum-offload");
  batch.read(front.backendPath(), "feature-rx-copy");
  batch.read(front.path(), "mac", MAC_TEXT_LENGTH);
  batch.read(front.path(), "mtu");
}

function hexDigit(byte: u8): i32 {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Reads "00:16:3e:…" into device.mac; false when it is anything else, or a group address. */
function parseMac(text: usize, length: u32): bool {
  if (length != MAC_TEXT_LENGTH) return false;
  let mac: u64 = 0;
  for (let i: u32 = 0; i < 6; i++) {
    const high = hexDigit(load<u8>(text + i * 3));
    const low = hexDigit(load<u8>(text + i * 3 + 1));
    if (high < 0 || low < 0 || (i < 5 && load<u8>(text + i * 3 + 2) != 0x3a)) return false;
    mac |= (<u64>((high << 4) | low)) << (i * 8);
  }
  if ((mac & 1) != 0 || mac == 0) return false;
  device.mac = mac;
  return true;
}

function openPorts(front: Frontend): i32 {
  const split = front.batch.number(READ_SPLIT, 0) == 1;
  const first = eventChannelAllocUnbound(<u16>front.backendDomain);
  if (first < 0) return first;
  const second = split ? eventChannelAllocUnbound(<u16>front.backendDomain) : first;
  if (second < 0) {
    eventChannelClose(first);
    return second;
  }
  transmitPort = first;
  receivePort = second;
  eventChannelHandle(transmitPort, onEvent.index, 0);
  if (split) eventChannelHandle(receivePort, onEvent.index, 0);
  return 0;
}

/** What the back end takes: each feature where those are that it needs. */
function features(front: Frontend): u32 {
  const batch = front.batch;
  // For IPv4, blank checksums are taken by every back end that does not refuse them (netif.h).
  if (batch.number(READ_NO_CHECKSUM, 0) == 1) return 0;
  let found = CHECKSUM_OFFLOAD_TX;
  const ipv6 = batch.number(READ_CHECKSUM_IPV6, 0) == 1;
  if (ipv6) found |= CHECKSUM_OFFLOAD_TX_IPV6;
  if (batch.number(READ_SG, 0) != 1) return found;
  found |= SCATTER_GATHER;
  if (batch.number(READ_GSO, 0) == 1) found |= GSO_TCPV4;
  if (ipv6 && batch.number(READ_GSO_IPV6, 0) == 1) found |= GSO_TCPV6;
  return found;
}

function prepare(front: Frontend): i32 {
  const batch = front.batch;
  if (batch.number(READ_COPY, 0) != 1) return -EOPNOTSUPP;
  if (!parseMac(batch.reply(READ_MAC), batch.replyLength(READ_MAC))) return -ENODEV;
  if (pagesResult == PAGES_NOT_MADE) pagesResult = makePages();
  if (pagesResult < 0) return pagesResult;
  device.features = features(front);
  const scatter = (device.features & SCATTER_GATHER) != 0;
  device.gsoMaximum = TRANSMIT_MAXIMUM;
  const mtu = <u32>batch.number(READ_MTU, DEFAULT_MTU);
  const largest = (scatter ? TRANSMIT_MAXIMUM : TRANSMIT_SMALL_MAXIMUM) - ETHERNET_HEADER;
  device.mtu = min(max(mtu, MINIMUM_MTU), largest);
  const granted = grantedPagesGrant(front.backendDomain);
  if (granted < 0) return granted;
  const opened = openPorts(front);
  if (opened < 0) return opened;
  transmitStart();
  receiveStart();
  return 0;
}

function publish(front: Frontend): void {
  const batch = front.batch;
  const path = front.path();
  batch.write(path, "tx-ring-ref", grantReference(transmitRing));
  batch.write(path, "rx-ring-ref", grantReference(receiveRing));
  if (transmitPort == receivePort) {
    batch.write(path, "event-channel", transmitPort);
  } else {
    batch.write(path, "event-channel-tx", transmitPort);
    batch.write(path, "event-channel-rx", receivePort);
  }
  batch.write(path, "request-rx-copy", 1);
  batch.write(path, "feature-rx-notify", 1);
  batch.write(path, "feature-sg", 1);
  batch.write(path, "feature-gso-tcpv4", 1);
  batch.write(path, "feature-gso-tcpv6", 1);
  batch.write(path, "feature-ipv6-csum-offload", 1);
  batch.write(path, "feature-no-csum-offload", 0);
}

function connect(front: Frontend): void {
  connected = true;
  device.carrier = true;
  if (!registered) {
    registered = true;
    device.transmitAllocate = transmitAllocate.index;
    device.transmit = transmit.index;
    device.transmitFree = transmitFree.index;
    device.transmitAttach = transmitAttach.index;
    device.transmitted = transmitted.index;
    device.blockAllocate = blockAllocate.index;
    device.blockFree = blockFree.index;
    deviceRegister(device);
  }
  const line = log("net").text("connected to domain ").decimal(front.backendDomain).text(", address ");
  line.mac(changetype<usize>(device)).text(", MTU ").decimal(device.mtu).end();
  interfaceLinkChanged(monotonicNow());
}

function release(_front: Frontend): void {
  transmitStop();
  if (!afterRestore) {
    if (receivePort != transmitPort) eventChannelClose(receivePort);
    eventChannelClose(transmitPort);
  }
  if (!connected) return;
  connected = false;
  device.carrier = false;
  log("net").text("disconnected").end();
  interfaceLinkChanged(monotonicNow());
}

// ---- the device ----

/** Device.transmit. Frames of one pass are shown and notified together, others at once. */
function transmit(frame: TransmitFrame): i32 {
  const result = transmitQueue(frame);
  if (!inPass && transmitPush()) eventChannelNotify(transmitPort);
  return result;
}

function onEvent(_argument: usize): void {
  // The event has woken the kernel; pass() looks at the rings whatever woke it.
}

function onAgain(_argument: usize): void {
  // The timer has woken the kernel, as an event would.
}

/** Netfront's share of the kernel's work. */
function pass(now: u64): void {
  if (!connected) return;
  inPass = true;
  const frames = receive(RECEIVE_BUDGET, now);
  const ready = transmitReady();
  if (frames > 0 || ready > 0) interfacePoll(now);
  inPass = false;
  if (frames < 0 || ready < 0) {
    log("net").text("the back end broke the ring protocol").end();
    return frontend.reset();
  }
  if (frames == RECEIVE_BUDGET) timerSet(again, now);
  const transmitted = transmitPush();
  if (transmitted) eventChannelNotify(transmitPort);
  if (receivePush() && !(transmitted && receivePort == transmitPort)) eventChannelNotify(receivePort);
}

// ---- life ----

/** After a restore, when grant table and event channels are empty and xenstore is attached again: connects anew. */
export function netfrontRestored(): void {
  if (changetype<usize>(frontend.batch) == 0) return;
  afterRestore = true;
  grantedPagesForget();
  frontend.restored();
  afterRestore = false;
}

const pathText = changetype<TextBuffer>(memory.data(16, 8));
const pathBytes = memory.data(16);
const listing = memory.data(16);

/**
 * Looks for a network device and begins to connect it; it also notices one that is attached later. Blocks for one
 * xenstore request. interfaceLinkChanged() tells when frames can pass.
 * @returns true when the domain has a network device now
 */
export function netfrontStart(): bool {
  driver.offer = offer.index;
  driver.prepare = prepare.index;
  driver.publish = publish.index;
  driver.connected = connect.index;
  driver.release = release.index;
  timerInit(again, onAgain.index, 0);
  workRegister(pass.index);
  textBuffer(pathText, pathBytes, 16).text("device/vif");
  const present = xenstoreDirectory(pathText, listing, 16) > 0;
  return frontend.start("vif", driver) && present;
}
