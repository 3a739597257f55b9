// From a path to a node, as path_resolution(7) has it: component by component, into what is mounted on a directory and out of it
// again, through symbolic links, from the root or the working directory. The last component is left to the end, because calls that make,
// remove or rename want the directory it is in and its name.
// Names and texts of links stay where they are meanwhile: who walks has the lock (lock.ts).
import { ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM } from "../../kernel/errno";
import { NAME_MAX, PATH_MAX, S_IFDIR, S_IFLNK } from "../posix/constants";
import { procDescriptor } from "../optional/with_proc";
import { descriptorFile } from "../process/descriptors";
import { devicesDescriptor, devicesDescriptorNode } from "./devices";
import { fenceBegin, fenceIsAt, fenceIsClosed, fenceMove, fenceWanted } from "./fence";
import { FS_PROC, Mount, NO_MOUNT, mountAt, mountOn } from "./mounts";
import { nodeLink, nodeLinkLength, nodeLookup, nodeParent, nodeType } from "./node";
import { ROOT_NODE } from "./root";
import { DEVICES_MOUNT, workingDirectory, workingDirectoryMount } from "./working_directory";

/** What the last component is: a name, or what needs no looking up. */
export const LAST_NAME: u32 = 0;
export const LAST_ROOT: u32 = 1;
export const LAST_DOT: u32 = 2;
export const LAST_DOTDOT: u32 = 3;

/** Bytes of a Walk. */
export const WALK_SIZE: i32 = 40;

/** Where a walk has led. */
@unmanaged
@final
export class Walk {
  /** What the path names; node 0 when it names nothing. */
  node: u64;
  /** The directory that the last component is in. */
  parentNode: u64;
  mount: Mount;
  parentMount: Mount;
  /** LAST_…, and the bytes of the last component. */
  last: u32;
  name: usize;
  nameLength: u32;
  /** Whether slashes follow it: it must be a directory. */
  slashes: bool;
  /** Whether walkOn() has found the directory and no such name there: it can be made. */
  missing: bool;

  /** Whether it has led to a directory. */
  isDirectory(): bool {
    return nodeType(this.mount, this.node) == S_IFDIR;
  }
}

const SLASH: u8 = 0x2f;
const DOT: u8 = 0x2e;
/** The most symbolic links on the way, as on Linux. */
const LINKS: u32 = 40;

// What is still to be walked behind symbolic links that are being walked: {address, length}, each with a component at least.
const pending = memory.data(320, 4);
let depth: u32 = 0;
let links: u32 = 0;
let at: usize = 0;
let end: usize = 0;
let currentMount: Mount = changetype<Mount>(0);
let current: u64 = 0;

// Where the next walk begins, if not there.
let baseMount: Mount = changetype<Mount>(0);
let base: u64 = 0;

/** Goes to what is mounted on the present node, if anything is; from a descriptor of the process to the file that it has open. */
function enterMounts(): void {
  const fd = currentMount.index == DEVICES_MOUNT ? devicesDescriptor(current) : -1;
  if (fd >= 0) {
    const file = descriptorFile(fd);
    if (file.mount == 0) return;
    currentMount = changetype<Mount>(file.mount);
    current = file.node;
    fenceMove(currentMount, current);
  }
  let over = mountOn(currentMount, current);
  while (over != NO_MOUNT) {
    currentMount = over;
    current = over.root;
    over = mountOn(currentMount, current);
  }
}

/** Goes to the directory above the present one: 0, -EIO, -EPERM. */
function goUp(): i32 {
  if (fenceIsAt(currentMount, current)) return -EPERM;
  while (current == currentMount.root) {
    if (currentMount.covered == 0) return 0;
    current = currentMount.coveredNode;
    currentMount = changetype<Mount>(currentMount.covered);
  }
  const above = nodeParent(currentMount, current);
  if (above < 0) return <i32>above;
  current = above;
  enterMounts();
  return 0;
}

function dots(name: usize, length: u32): u32 {
  if (length > 2 || load<u8>(name) != DOT) return LAST_NAME;
  if (length == 1) return LAST_DOT;
  return load<u8>(name + 1) == DOT ? LAST_DOTDOT : LAST_NAME;
}

/** Begins to walk the text of the link at the present place, which is in `mount`; what is left of the path waits. -ELOOP, -EIO, -EPERM. */
function follow(mount: Mount, node: u64): i32 {
  if (++links > LINKS) return -ELOOP;
  const fd = mount.kind == FS_PROC ? procDescriptor(<u32>node) : 0;
  if (fd != 0) {
    // Not by its text: to the open file itself.
    currentMount = mountAt(DEVICES_MOUNT);
    current = devicesDescriptorNode(fd - 1);
    enterMounts();
    return 0;
  }
  if (at != end) {
    store<usize>(pending + ((<usize>depth) << 3), at);
    store<usize>(pending + ((<usize>depth) << 3), end, 4);
    depth += 1;
  }
  const text = nodeLink(mount, node);
  if (text < 0) return text;
  at = <usize>text;
  end = at + nodeLinkLength();
  if (load<u8>(at) == SLASH && fenceIsClosed()) return -EPERM;
  beginAtRoot();
  return 0;
}

/** An absolute path begins at the root. */
function beginAtRoot(): void {
  if (load<u8>(at) != SLASH) return;
  currentMount = mountAt(0);
  current = ROOT_NODE;
}

/** Goes from the present directory to `name`, and through it when it is a link. */
function step(name: usize, length: u32): i32 {
  const kind = dots(name, length);
  if (kind == LAST_DOTDOT) return goUp();
  if (kind != LAST_NAME) return 0;
  if (length > NAME_MAX) return -ENAMETOOLONG;
  const node = nodeLookup(currentMount, current, name, length);
  if (node < 0) return <i32>node;
  if (nodeType(currentMount, <u64>node) == S_IFLNK) return follow(currentMount, <u64>node);
  current = <u64>node;
  enterMounts();
  return 0;
}

/** Walks up to the last component: 0 with it in `walk`, or -errno. */
function toLast(walk: Walk): i32 {
  walk.last = LAST_ROOT;
  walk.nameLength = 0;
  while (true) {
    while (at < end && load<u8>(at) == SLASH) at++;
    if (at == end && depth == 0) return 0;
    if (at != end) {
      if (nodeType(currentMount, current) != S_IFDIR) return -ENOTDIR;
      const name = at;
      while (at < end && load<u8>(at) != SLASH) at++;
      const length = <u32>(at - name);
      const hasSlashes = at < end;
      while (at < end && load<u8>(at) == SLASH) at++;
      if (at == end && depth == 0) {
        walk.last = dots(name, length);
        walk.name = name;
        walk.nameLength = length;
        walk.slashes = walk.slashes || hasSlashes;
        return 0;
      }
      if (at == end) pop();
      const error = step(name, length);
      if (error != 0) return error;
    } else pop();
  }
}

/** Goes on with what waits behind a link. */
function pop(): void {
  depth -= 1;
  at = load<usize>(pending + ((<usize>depth) << 3));
  end = load<usize>(pending + ((<usize>depth) << 3), 4);
}

/** Has relative paths begin at directory `node` of `mount` for the next walk. */
export function walkFrom(mount: Mount, node: u64): void {
  baseMount = mount;
  base = node;
  fenceWanted(false);
}

/** The same for an open directory, out of which images for WASI let nothing lead: ".." there and an absolute symbolic link are -EPERM. */
export function walkBelow(mount: Mount, node: u64): void {
  walkFrom(mount, node);
  fenceWanted(true);
}

/**
 * Walks `length` bytes of path to the directory of its last component: 0 with parent, name, `last` and `slashes` in `walk`, or
 * -ENOENT, -ENOTDIR, -ENAMETOOLONG, -ELOOP.
 */
export function walkToParent(path: usize, length: u32, walk: Walk): i32 {
  if (length == 0) return -ENOENT;
  if (length >= PATH_MAX) return -ENAMETOOLONG;
  currentMount = workingDirectoryMount();
  current = workingDirectory();
  if (baseMount != NO_MOUNT) {
    currentMount = baseMount;
    current = base;
    baseMount = NO_MOUNT;
  }
  fenceBegin(currentMount, current);
  depth = 0;
  links = 0;
  at = path;
  end = path + length;
  walk.slashes = false;
  beginAtRoot();
  return toParent(walk);
}

function toParent(walk: Walk): i32 {
  const error = toLast(walk);
  walk.parentMount = currentMount;
  walk.parentNode = current;
  walk.mount = currentMount;
  walk.node = 0;
  return error;
}

/** Looks up the last component, or goes where it leads without. */
function lastStep(walk: Walk): i32 {
  if (walk.last != LAST_NAME) {
    const error = walk.last == LAST_DOTDOT ? goUp() : 0;
    if (error != 0) return error;
    walk.mount = currentMount;
    walk.node = current;
    return 0;
  }
  if (walk.nameLength > NAME_MAX) return -ENAMETOOLONG;
  return look(currentMount, current, walk);
}

/** Looks the last component up in `directory`: 0 with its node in `walk`, or -ENOENT, -EIO with none. */
function look(mount: Mount, directory: u64, walk: Walk): i32 {
  const node = nodeLookup(mount, directory, walk.name, walk.nameLength);
  walk.node = node < 0 ? 0 : <u64>node;
  return node < 0 ? <i32>node : 0;
}

/** Looks the last component up in its directory, and nothing more – no link is followed, no mount entered: 0, -ENOENT, -ENAMETOOLONG. */
export function walkLookup(walk: Walk): i32 {
  if (walk.nameLength > NAME_MAX) return -ENAMETOOLONG;
  walk.mount = walk.parentMount;
  return look(walk.parentMount, walk.parentNode, walk);
}

/**
 * Goes on from walkToParent() to what the last component names: through links when `following`, or when slashes follow it. 0, or
 * -ENOENT with the directory and the name that is missing there, or -ENOTDIR, -ENAMETOOLONG, -ELOOP. Nothing else may have been walked
 * between.
 */
export function walkOn(following: bool, walk: Walk): i32 {
  while (true) {
    const error = lastStep(walk);
    walk.missing = error == -ENOENT;
    if (error != 0) return error;
    const isLink = walk.last == LAST_NAME && nodeType(walk.mount, walk.node) == S_IFLNK;
    if (!isLink || !(following || walk.slashes)) break;
    const failure = follow(walk.mount, walk.node);
    if (failure != 0) return failure;
    const missing = toParent(walk);
    if (missing != 0) return missing;
  }
  if (walk.last == LAST_NAME) {
    current = walk.node;
    enterMounts();
    walk.mount = currentMount;
    walk.node = current;
  }
  return walk.slashes && !walk.isDirectory() ? -ENOTDIR : 0;
}

/** Walks to what the path names: walkToParent() and walkOn(). */
export function walkTo(path: usize, length: u32, following: bool, walk: Walk): i32 {
  const error = walkToParent(path, length, walk);
  return error != 0 ? error : walkOn(following, walk);
}
