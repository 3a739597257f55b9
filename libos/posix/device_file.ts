// Reading and writing the devices of libos/fs/devices.ts.
import { EBADF } from "../../kernel/errno";
import { DEVICE_NULL } from "../fs/devices";
import { OpenFile } from "../process/open_file";
import { O_ACCMODE, O_RDONLY, O_WRONLY } from "./constants";

/** Reads `count` bytes, of /dev/null none; -EBADF when it is not open for reading. */
export function deviceRead(file: OpenFile, target: usize, count: u32): i32 {
  if ((file.flags & O_WRONLY) != 0) return -EBADF; // a bit that neither O_RDONLY nor O_RDWR has
  if (<u32>file.object == DEVICE_NULL) return 0;
  memory.fill(target, 0, count);
  return <i32>count;
}

/** Takes `count` bytes and forgets them; -EBADF when it is not open for writing. */
export function deviceWrite(file: OpenFile, count: u32): i32 {
  return (file.flags & O_ACCMODE) == O_RDONLY ? -EBADF : <i32>count;
}
