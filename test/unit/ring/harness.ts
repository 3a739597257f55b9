// Test harness: the front half of a shared ring as calls, on a page that the test also writes as the peer.
import { FRONT_RING_SIZE, FrontRing } from "../../../kernel/ring";

const ring = changetype<FrontRing>(memory.data(FRONT_RING_SIZE, 8));
const page = memory.data(8192, 16);

export function pageAddress(): usize {
  return (page + 4095) & ~4095;
}

export function init(entrySize: u32): void {
  ring.init(pageAddress(), entrySize);
}

export function setIndices(index: u32): void {
  ring.requestsProduced = index;
  ring.responsesConsumed = index;
  ring.push();
}

export function entries(): u32 {
  return ring.entries;
}

export function free(): u32 {
  return ring.free();
}

export function request(): usize {
  return ring.request();
}

export function push(): bool {
  return ring.push();
}

export function responses(): i32 {
  return ring.responses();
}

export function entry(index: u32): usize {
  return ring.entry(index);
}

export function consume(count: u32): void {
  ring.consume(count);
}

export function notifyAfter(count: u32): bool {
  return ring.notifyAfter(count);
}
