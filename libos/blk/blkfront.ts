// Blkfront: the driver of block devices (xen/include/public/io/blkif.h) for device.ts: what is negotiated, made and given back. One ring of one page
// (ring.ts), requests of up to eleven pages.
import { EIO, ENODEV } from "../../kernel/errno";
import { eventChannelAllocUnbound, eventChannelClose, eventChannelHandle } from "../../kernel/event_channel";
import { grantAccess, grantEnd } from "../../kernel/grant_table";
import { log } from "../../kernel/log";
import { addressFrame } from "../../kernel/memory/frames";
import { PAGE_SIZE, pageAlloc } from "../../kernel/memory/pages";
import { suspendRegister } from "../../kernel/power/suspend";
import { wakeAll } from "../../kernel/thread/wait_queue";
import { StoreBatch, batchInit } from "../../kernel/xenbus/batch";
import { Frontend } from "../../kernel/xenbus/frontend";
import { FrontendDriver } from "../../kernel/xenbus/frontend_record";
import { BLKIF_ENTRY_SIZE, BLKIF_RING_ENTRIES, SECTOR_SIZE, VDISK_READONLY } from "./blkif";
import {
  BLOCK_DEVICE_SIZE,
  BlockDevice,
  FLUSH_BARRIER,
  FLUSH_CACHE,
  FLUSH_NONE,
  SLOT_QUEUED,
  SLOT_SENT,
  deviceInit,
  slotDone,
} from "./device";
import { ringEndGrants, ringSend, ringTake } from "./ring";

/** Devices that can be had: each fits into a page. */
const DEVICES: u32 = 8;
/** The largest device, so that sectors times 512 is a signed number. */
const MOST_SECTORS: i64 = 1 << 50;

// What a connected back end tells, in the order in which it is read.
const READ_SECTORS: u32 = 0;
const READ_SECTOR_SIZE: u32 = 1;
const READ_INFO: u32 = 2;
const READ_FLUSH: u32 = 3;
const READ_BARRIER: u32 = 4;

const devices = memory.data(32, 4); // their addresses
const driver = changetype<FrontendDriver>(memory.data(20, 8));
let count: u32 = 0;
let afterRestore = false; // ports and grants vanished with the old domain

function deviceAt(index: u32): BlockDevice {
  return changetype<BlockDevice>(load<usize>(devices + ((<usize>index) << 2)));
}

function deviceOf(front: Frontend): BlockDevice {
  let index: u32 = 0;
  while (deviceAt(index).frontend != front) index++;
  return deviceAt(index);
}

// ---- the xenbus driver ----

function onEvent(argument: usize): void {
  ringTake(changetype<BlockDevice>(argument));
}

/** Blkback tells nothing before it has connected; the batch must not be empty. */
function offer(front: Frontend): void {
  front.batch.read(front.backendPath(), "state");
}

function prepare(front: Frontend): i32 {
  const device = deviceOf(front);
  if (device.isForbidden) return -ENODEV;
  const domain = <u16>front.backendDomain;
  const reference = grantAccess(domain, addressFrame(device.ringPage), false);
  if (reference < 0) return reference;
  const port = eventChannelAllocUnbound(domain);
  if (port < 0) {
    grantEnd(reference);
    return port;
  }
  device.port = port;
  device.ringReference = reference;
  device.ring.init(device.ringPage, BLKIF_ENTRY_SIZE);
  eventChannelHandle(port, onEvent.index, changetype<usize>(device));
  return 0;
}

function publish(front: Frontend): void {
  const device = deviceOf(front);
  front.batch.write(front.path(), "ring-ref", device.ringReference);
  front.batch.write(front.path(), "event-channel", device.port);
  front.batch.writeText(front.path(), "protocol", "x86_64-abi");
}

/** Asks what the device is like: a back end that has connected has told. */
function connect(front: Frontend): void {
  const device = deviceOf(front);
  const batch = changetype<StoreBatch>(device.details);
  if (batch.pending != 0) return; // its end is the answer for this connection, too
  batch.reset();
  batch.read(front.backendPath(), "sectors");
  batch.read(front.backendPath(), "sector-size");
  batch.read(front.backendPath(), "info");
  batch.read(front.backendPath(), "feature-flush-cache");
  batch.read(front.backendPath(), "feature-barrier");
  batch.submit();
}

function onDetails(argument: usize): void {
  const device = changetype<BlockDevice>(argument);
  const batch = changetype<StoreBatch>(device.details);
  if (device.port == 0) return; // it has left meanwhile
  const sectors = batch.number(READ_SECTORS, 0);
  const size = batch.number(READ_SECTOR_SIZE, SECTOR_SIZE);
  const isPower = size >= <i64>SECTOR_SIZE && size <= <i64>PAGE_SIZE && (size & (size - 1)) == 0;
  if (sectors <= 0 || sectors > MOST_SECTORS || !isPower) {
    log("disk").text("the back end tells no sizes").end();
    return device.frontend.reset();
  }
  device.sectors = sectors;
  device.sectorSize = <u32>size;
  device.isReadOnly = (batch.number(READ_INFO, 0) & VDISK_READONLY) != 0;
  const flushes = batch.number(READ_FLUSH, 0) == 1;
  device.flushing = flushes ? FLUSH_CACHE : batch.number(READ_BARRIER, 0) == 1 ? FLUSH_BARRIER : FLUSH_NONE;
  device.isReady = true;
  for (let i: u32 = 0; i < BLKIF_RING_ENTRIES; i++) {
    if (device.slot(i).state == SLOT_QUEUED) ringSend(device, i);
  }
  wakeAll(device.queue);
}

/** What is not answered waits for the next connection; what a former back end holds on to has failed. */
function release(front: Frontend): void {
  const device = deviceOf(front);
  device.isReady = false;
  if (!afterRestore) {
    eventChannelClose(device.port);
    grantEnd(device.ringReference); // a ring that is still mapped is granted again, besides
  }
  device.port = 0;
  for (let i: u32 = 0; i < BLKIF_RING_ENTRIES; i++) {
    const slot = device.slot(i);
    if (slot.state != SLOT_SENT) continue;
    if (afterRestore || ringEndGrants(slot)) slot.state = SLOT_QUEUED;
    else slotDone(device, i, -EIO);
  }
  wakeAll(device.queue);
}

// ---- life ----

function onSuspend(): void {
  // What is under way is asked again of the next back end.
}

function onResume(restored: bool): void {
  if (!restored) return;
  afterRestore = true;
  for (let i: u32 = 0; i < count; i++) deviceAt(i).frontend.restored();
  afterRestore = false;
}

/** Begins to connect to virtual device `number`: the device, or 0 without memory. */
export function blkfrontStart(number: u32): usize {
  const page: usize = count == DEVICES ? 0 : pageAlloc();
  const slots: usize = page == 0 ? 0 : pageAlloc();
  const ring: usize = slots == 0 ? 0 : pageAlloc();
  const details: usize = ring == 0 ? 0 : pageAlloc();
  if (details == 0) return 0;
  memory.fill(page, 0, BLOCK_DEVICE_SIZE);
  const device = changetype<BlockDevice>(page);
  deviceInit(device, slots);
  device.number = number;
  device.ringPage = ring;
  device.details = changetype<usize>(batchInit(details, onDetails.index, page));
  if (count == 0) start();
  store<usize>(devices + ((<usize>count) << 2), page);
  count += 1;
  if (!device.frontend.start("vbd", driver, number)) return 0;
  return page;
}

function start(): void {
  driver.offer = offer.index;
  driver.prepare = prepare.index;
  driver.publish = publish.index;
  driver.connected = connect.index;
  driver.release = release.index;
  suspendRegister(onSuspend.index, onResume.index);
}

/** In the child of a fork: the devices are the parent's, and everything fails. */
export function blkfrontForked(): void {
  for (let i: u32 = 0; i < count; i++) {
    const device = deviceAt(i);
    device.isForbidden = true;
    device.isReady = false;
    for (let index: u32 = 0; index < BLKIF_RING_ENTRIES; index++) {
      const state = device.slot(index).state;
      if (state == SLOT_SENT || state == SLOT_QUEUED) slotDone(device, index, -EIO);
    }
    wakeAll(device.queue);
  }
}
