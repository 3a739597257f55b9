// The path of a node, from its names up to the root: for getcwd() and the links in /proc. Of a file with several names it is the
// one made last.
import { ENAMETOOLONG, ENOENT } from "../../kernel/errno";
import { embeddedFile } from "./embedded";
import { LISTED_NAME_SIZE, ListedName } from "./listing";
import { FS_ROOT, FS_TMPFS, Mount } from "./mounts";
import { nodeInode, nodeList, nodeNumber, nodeParent } from "./node";
import { rootFileIndex, rootIsDirectory, rootPath, rootPathLength } from "./root";
import { Entry } from "./tmpfs/inode";

const SLASH: u8 = 0x2f;

const listed = changetype<ListedName>(memory.data(LISTED_NAME_SIZE, 8));

// The path is put together from its end, before `start`.
let buffer: usize = 0;
let start: u32 = 0;

function prepend(text: usize, length: u32): bool {
  if (length > start) return false;
  start -= length;
  memory.copy(buffer + start, text, length);
  return true;
}

function prependName(name: usize, length: u32): bool {
  if (!prepend(name, length) || start == 0) return false;
  start -= 1;
  store<u8>(buffer + start, SLASH);
  return true;
}

/** Puts the name that `directory` has for `node` before the rest; false when there is none, or no room. */
function prependListed(mount: Mount, directory: u64, node: u64): bool {
  listed.next = 0;
  const number = nodeNumber(mount, node);
  while (nodeList(mount, directory, listed) > 0) {
    if (listed.node == number) return prependName(listed.name, listed.length);
  }
  return false;
}

function prependRoot(node: u64): bool {
  if (rootIsDirectory(node)) return prepend(rootPath(node), rootPathLength(node));
  const file = embeddedFile(rootFileIndex(node));
  return prepend(file.path(), file.pathLength);
}

/** Writes the path of `node` to `capacity` bytes at `target`: its length, -ENOENT when it has lost its name, -ENAMETOOLONG. */
export function placePath(place: Mount, placeNode: u64, target: usize, capacity: u32): i32 {
  let mount = place;
  let node = placeNode;
  buffer = target;
  start = capacity;
  while (true) {
    if (node == mount.root) {
      if (mount.covered == 0) break;
      node = mount.coveredNode;
      mount = changetype<Mount>(mount.covered);
    } else if (mount.kind == FS_ROOT) {
      if (!prependRoot(node)) return -ENAMETOOLONG;
      break;
    } else if (mount.kind == FS_TMPFS) {
      const entry = changetype<Entry>(nodeInode(node).entry);
      if (changetype<usize>(entry) == 0) return -ENOENT;
      if (!prependName(entry.name(), entry.length)) return -ENAMETOOLONG;
      node = entry.directory;
    } else {
      const above = nodeParent(mount, node);
      if (above < 0) return <i32>above;
      const parent = <u64>above;
      if (!prependListed(mount, parent, node)) return -ENOENT;
      node = parent;
    }
  }
  if (start == capacity && capacity != 0) store<u8>(buffer + --start, SLASH);
  const length = capacity - start;
  memory.copy(target, target + start, length);
  return length;
}
