// What libos/optional/with_disk.ts declares, of names. What has no room tries once more when the running transaction is committed: then what it has
// freed can be had.
import { EIO, ENOSPC } from "../../../kernel/errno";
import { S_IFMT } from "../../posix/constants";
import { diskNode, diskNodeNumber } from "../disk_node";
import { Mount } from "../mounts";
import { diskEnter, diskLeave } from "./calls";
import { journalCommit } from "./journal";
import { addName, make, makeUnnamed, removeName, rename } from "./names";
import { Volume } from "./volume";

function volumeOf(mount: Mount): Volume {
  return changetype<Volume>(mount.volume);
}

/** Whether what has ended with `error` is to be tried once more. */
function mayHaveRoom(volume: Volume, error: i64): bool {
  return error == -ENOSPC && volume.frozenCount != 0 && journalCommit(volume) == 0;
}

export function diskMake(
  mount: Mount,
  directory: u64,
  name: usize,
  length: u32,
  mode: u32,
  text: usize,
  textLength: u32,
  nodeAt: usize,
): i32 {
  if (diskEnter(mount) != 0) return diskLeave(-EIO);
  const volume = volumeOf(mount);
  const parent = diskNodeNumber(directory);
  let number = make(volume, parent, name, length, mode, text, textLength);
  if (mayHaveRoom(volume, number)) number = make(volume, parent, name, length, mode, text, textLength);
  if (number < 0) return diskLeave(<i32>number);
  store<u64>(nodeAt, diskNode(<u32>number, mode & S_IFMT));
  return diskLeave(0);
}

export function diskMakeUnnamed(mount: Mount, directory: u64, mode: u32, linkable: bool, nodeAt: usize): i32 {
  if (diskEnter(mount) != 0) return diskLeave(-EIO);
  const volume = volumeOf(mount);
  const near = diskNodeNumber(directory);
  let number = makeUnnamed(volume, near, mode, linkable);
  if (mayHaveRoom(volume, number)) number = makeUnnamed(volume, near, mode, linkable);
  if (number < 0) return diskLeave(<i32>number);
  store<u64>(nodeAt, diskNode(<u32>number, mode & S_IFMT));
  return diskLeave(0);
}

export function diskLinkName(mount: Mount, directory: u64, name: usize, length: u32, node: u64): i32 {
  if (diskEnter(mount) != 0) return diskLeave(-EIO);
  const volume = volumeOf(mount);
  const parent = diskNodeNumber(directory);
  let error = addName(volume, parent, name, length, diskNodeNumber(node));
  if (mayHaveRoom(volume, error)) error = addName(volume, parent, name, length, diskNodeNumber(node));
  return diskLeave(error);
}

export function diskRemove(mount: Mount, directory: u64, name: usize, length: u32): i32 {
  const error = diskEnter(mount);
  return diskLeave(error != 0 ? error : removeName(volumeOf(mount), diskNodeNumber(directory), name, length));
}

export function diskRename(
  mount: Mount,
  oldDirectory: u64,
  from: usize,
  fromLength: u32,
  directory: u64,
  to: usize,
  toLength: u32,
): i32 {
  if (diskEnter(mount) != 0) return diskLeave(-EIO);
  const volume = volumeOf(mount);
  const old = diskNodeNumber(oldDirectory);
  const target = diskNodeNumber(directory);
  let error = rename(volume, old, from, fromLength, target, to, toLength);
  if (mayHaveRoom(volume, error)) error = rename(volume, old, from, fromLength, target, to, toLength);
  return diskLeave(error);
}
