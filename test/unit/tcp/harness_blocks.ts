// Blocks and fragments of the test's device: what a frame refers to is gathered when the device gets the frame.
import { orderFor, pageAlloc, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { DeviceBlock, TransmitFrame } from "../../../libos/net/device";

/** A DeviceBlock in a page of its own, with what a device has to know: who may still read or write it. */
@unmanaged
@final
class Block extends DeviceBlock {
  frames: u32;
  owned: bool;
}

const GATHERED: u32 = 70000;

let gathered: usize = 0;
let attachRefusals: u32 = 0;
let framesAttached: u32 = 0;

/** Allocates the memory in which frames are gathered. */
export function blocksInit(): void {
  gathered = pagesAlloc(orderFor(GATHERED));
}

export function blockAllocate(order: u32): DeviceBlock {
  const page = pageAlloc();
  const block = changetype<Block>(page);
  if (page == 0) return block;
  block.address = pagesAlloc(order);
  if (block.address == 0) {
    pagesFree(page, 0);
    return changetype<DeviceBlock>(0);
  }
  block.order = order;
  block.frames = 0;
  block.owned = true;
  return block;
}

export function blockFree(block: DeviceBlock): void {
  const own = changetype<Block>(block);
  own.owned = false;
  release(own);
}

function release(block: Block): void {
  if (block.owned || block.frames != 0) return;
  pagesFree(block.address, block.order);
  pagesFree(changetype<usize>(block), 0);
}

/** The device has no room for fragments the next `count` times. */
export function refuseAttach(count: u32): void {
  attachRefusals = count;
}

export function transmitAttach(frame: TransmitFrame): bool {
  if (attachRefusals != 0) {
    attachRefusals -= 1;
    frame.block = changetype<DeviceBlock>(0);
    return false;
  }
  changetype<Block>(frame.block).frames += 1;
  framesAttached += 1;
  return true;
}

/** Frames with fragments so far. */
export function attachedFrames(): u32 {
  return framesAttached;
}

/** `frame` is done with its fragments. */
export function detach(frame: TransmitFrame): void {
  const block = changetype<Block>(frame.block);
  if (changetype<usize>(block) == 0) return;
  block.frames -= 1;
  release(block);
}

/** Address of all bytes of `frame` in a row. */
export function gather(frame: TransmitFrame): usize {
  if (changetype<usize>(frame.block) == 0) return frame.data;
  const own = frame.length - frame.fragmentLength - frame.wrappedLength;
  memory.copy(gathered, frame.data, own);
  memory.copy(gathered + own, frame.fragment, frame.fragmentLength);
  memory.copy(gathered + own + frame.fragmentLength, frame.block.address, frame.wrappedLength);
  return gathered;
}
