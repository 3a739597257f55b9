// Reading and writing the devices of libos/fs/devices.ts.
import { EBADF, ENOSPC } from "../../kernel/errno";
import { randomFill, randomStir } from "../../kernel/random";
import { DEVICE_FULL, DEVICE_NULL, DEVICE_RANDOM, DEVICE_URANDOM } from "../fs/devices";
import { OpenFile, openFileIsReadable, openFileIsWritable } from "../process/open_file";

function isRandom(device: u32): bool {
  return device == DEVICE_RANDOM || device == DEVICE_URANDOM;
}

/** Reads `count` bytes, of /dev/null none; -EBADF when it is not open for reading. */
export function deviceRead(file: OpenFile, target: usize, count: u32): i32 {
  if (!openFileIsReadable(file)) return -EBADF;
  const device = <u32>file.object;
  if (device == DEVICE_NULL) return 0;
  if (isRandom(device)) return randomRead(target, count);
  if (count != 1) return zeroesRead(target, count);
  store<u8>(target, 0);
  return 1;
}

function randomRead(target: usize, count: u32): i32 {
  randomFill(target, count);
  return <i32>count;
}

function zeroesRead(target: usize, count: u32): i32 {
  memory.fill(target, 0, count);
  return <i32>count;
}

/** Takes `count` bytes and forgets them – those for random(4) make the generator begin anew –; -EBADF when it is not open for writing, -ENOSPC of /dev/full. */
export function deviceWrite(file: OpenFile, count: u32): i32 {
  if (!openFileIsWritable(file)) return -EBADF;
  const device = <u32>file.object;
  if (device == DEVICE_FULL) return -ENOSPC;
  if (isRandom(device)) randomStir();
  return <i32>count;
}
