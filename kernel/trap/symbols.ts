// The image's table of function names, for back traces. The image tool puts it into section .symbols:
//   {u32 count} then count × {u24 address, u24 name}, sorted by address; `name` is the offset, from the table's start,
//   of {u16 folder, u8 length, ASCII bytes} and `folder` the offset of {u8 length, ASCII bytes}, or 0. Together they
//   are a name such as "kernel/thread/scheduler" "/" "threadBlock" or "app:index" "/" "main".
import { symbols } from "../boot";

const ENTRY_SIZE: usize = 6;

function entryAt(index: u32): usize {
  return symbols() + 4 + <usize>index * ENTRY_SIZE;
}

/** The table entry of the function that contains `address`; 0 when it lies before the first. */
export function symbolFind(address: u64): usize {
  let low: u32 = 0;
  let high = load<u32>(symbols());
  while (low < high) {
    const middle = (low + high) >> 1;
    if (<u64>symbolAddress(entryAt(middle)) <= address) low = middle + 1;
    else high = middle;
  }
  return low == 0 ? 0 : entryAt(low - 1);
}

/** The function's first address. */
export function symbolAddress(entry: usize): u32 {
  return load<u32>(entry) & 0xffffff;
}

function nameRecord(entry: usize): usize {
  return symbols() + (load<u32>(entry, 3) & 0xffffff);
}

/** The function's name, without its folder. */
export function symbolName(entry: usize): usize {
  return nameRecord(entry) + 3;
}

/** The length of the name in bytes. */
export function symbolNameLength(entry: usize): u32 {
  return load<u8>(nameRecord(entry), 2);
}

/** The file that the function is in; of length 0 for the ground floor's. */
export function symbolFolder(entry: usize): usize {
  return symbols() + load<u16>(nameRecord(entry)) + 1;
}

/** The length of the file's name in bytes. */
export function symbolFolderLength(entry: usize): u32 {
  const folder = load<u16>(nameRecord(entry));
  return folder == 0 ? 0 : load<u8>(symbols() + folder);
}
