// The volumes that are mounted.
import { Volume } from "./volume";

const VOLUMES: u32 = 8;

const table = memory.data(32, 4); // VOLUMES addresses
let count: u32 = 0;

/** How many there are. */
export function volumesCount(): u32 {
  return count;
}

/** Volume `index` < volumesCount(). */
export function volumeAt(index: u32): Volume {
  return changetype<Volume>(load<usize>(table + ((<usize>index) << 2)));
}

/** One more; false when there are too many. */
export function volumeAdd(volume: Volume): bool {
  if (count == VOLUMES) return false;
  store<usize>(table + ((<usize>count) << 2), changetype<usize>(volume));
  count += 1;
  return true;
}
