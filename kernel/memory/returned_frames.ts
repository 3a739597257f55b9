// Frames that the app's memory has returned, because another program took its place, and gets again as that grows: frames.ts only hands
// out. A bit for each pfn, which a copy of the domain finds as it was. A returned pfn may have no memory (frames.ts).
// Invariant: the frame of a set bit is mapped nowhere.
import { startInfo } from "../xen/start_info";
import { INVALID_MFN, framesPopulate, pfnToMfn } from "./frames";
import { PAGE_SIZE, orderFor, pagesAlloc } from "./pages";

/** Frames asked of Xen at once. */
const BATCH: u32 = 64;

const asking = memory.data(512, 8); // BATCH of u64
let bits: usize = 0;
let words: u32 = 0; // of 32 bits
let count: u32 = 0;

/** Makes room for the bits; false without memory. What is there stays. */
export function returnedFramesInit(): bool {
  if (bits != 0) return true;
  words = <u32>((startInfo().nr_pages + 31) >> 5);
  const order = orderFor(words << 2);
  bits = pagesAlloc(order);
  if (bits != 0) memory.fill(bits, 0, PAGE_SIZE << order);
  return bits != 0;
}

/** How many there are. */
export function returnedFramesCount(): u32 {
  return count;
}

function wordAt(index: u32): usize {
  return bits + ((<usize>index) << 2);
}

/** Takes in the frame of `pfn`, which is mapped nowhere any more. */
export function frameReturn(pfn: u32): void {
  const at = wordAt(pfn >> 5);
  store<u32>(at, load<u32>(at) | ((1 as u32) << (pfn & 31)));
  count += 1;
}

/** Makes sure that the next `wanted` frames, which there are, have memory; false when the host has too little. */
export function returnedFramesReady(wanted: u32): bool {
  let asked: u32 = 0;
  let left = wanted;
  for (let index: u32 = 0; index < words && left != 0; index++) {
    for (let word = load<u32>(wordAt(index)); word != 0 && left != 0; word &= word - 1) {
      const pfn = (index << 5) + ctz(word);
      left -= 1;
      if (pfnToMfn(pfn) != INVALID_MFN) continue;
      store<u64>(asking + ((<usize>asked) << 3), pfn);
      asked += 1;
      if (asked != BATCH) continue;
      if (framesPopulate(asking, asked) != asked) return false;
      asked = 0;
    }
  }
  return asked == 0 || framesPopulate(asking, asked) == asked;
}

/** Takes the lowest one out; there has to be one. */
export function frameRetake(): u32 {
  let index: u32 = 0;
  while (load<u32>(wordAt(index)) == 0) index += 1;
  const word = load<u32>(wordAt(index));
  store<u32>(wordAt(index), word & (word - 1));
  count -= 1;
  return (index << 5) + ctz(word);
}
