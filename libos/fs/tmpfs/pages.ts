// The pages of a file: a tree whose inner nodes are pages of 1024 addresses and whose leaves are pages of data. A tree of height 0 is
// the first page of the file alone. What is 0 is a hole, which reads as zeros and takes no memory.
// Invariant: no inner node is without a page below, so an empty file has no tree; bytes of its last page behind its end are zero.
import { PAGE_SHIFT, PAGE_SIZE } from "../../../kernel/memory/pages";
import { Mount } from "../mounts";
import { Inode } from "./inode";
import { tmpfsPage, tmpfsPageFree } from "./memory";

const NODE_BITS: u64 = 10;
const NODE_MASK: u64 = 1023;

/** Whether a tree of `height` has a place for page `index`. */
function covers(height: u32, index: u64): bool {
  const bits = NODE_BITS * height;
  return bits >= 64 || index >> bits == 0;
}

function slot(node: usize, index: u64, height: u32): usize {
  return node + ((<usize>((index >> (NODE_BITS * (height - 1))) & NODE_MASK)) << 2);
}

/** The address of page `index`; 0 when it is a hole. */
export function filePage(inode: Inode, index: u64): usize {
  if (!covers(inode.height, index)) return 0;
  let at = inode.tree;
  for (let height = inode.height; height > 0 && at != 0; height--) at = load<usize>(slot(at, index, height));
  return at;
}

/** An inner node without pages, or -errno. */
function newNode(mount: Mount): i32 {
  const page = tmpfsPage(mount);
  if (page > 0) memory.fill(<usize>page, 0, PAGE_SIZE);
  return page;
}

/** Makes the tree high enough for page `index`: 0, -ENOSPC, -ENOMEM. */
function grow(inode: Inode, index: u64): i32 {
  const mount = changetype<Mount>(inode.mount);
  while (!covers(inode.height, index)) {
    if (inode.tree != 0) {
      const node = newNode(mount);
      if (node < 0) return node;
      store<usize>(<usize>node, inode.tree);
      inode.tree = <usize>node;
    }
    inode.height += 1;
  }
  return 0;
}

/**
 * The address of page `index`, which is made when it is a hole – of zeros, or, `whole`, with undefined contents, all of which the
 * caller writes. -ENOSPC, -ENOMEM.
 */
export function filePageMake(inode: Inode, index: u64, whole: bool): i32 {
  const found = filePage(inode, index);
  if (found != 0) return <i32>found;
  const mount = changetype<Mount>(inode.mount);
  const page = tmpfsPage(mount);
  if (page < 0) return page;
  const error = place(inode, index, <usize>page);
  if (error < 0) {
    tmpfsPageFree(mount, <usize>page);
    filePagesCut(inode, index, index + 1); // nodes that were made on the way
    return error;
  }
  if (!whole) memory.fill(<usize>page, 0, PAGE_SIZE);
  inode.dataPages += 1;
  return page;
}

/** Puts `page` into the tree; 0 or -errno. */
function place(inode: Inode, index: u64, page: usize): i32 {
  const error = grow(inode, index);
  if (error < 0) return error;
  if (inode.height == 0) {
    inode.tree = page;
    return 0;
  }
  const mount = changetype<Mount>(inode.mount);
  if (inode.tree == 0) {
    const root = newNode(mount);
    if (root < 0) return root;
    inode.tree = <usize>root;
  }
  let node = inode.tree;
  for (let height = inode.height; height > 1; height--) {
    const at = slot(node, index, height);
    let next = load<usize>(at);
    if (next == 0) {
      const made = newNode(mount);
      if (made < 0) return made;
      next = <usize>made;
      store<usize>(at, next);
    }
    node = next;
  }
  store<usize>(slot(node, index, 1), page);
  return 0;
}

/** Frees the pages `from` … `to` below `node`, whose first page is `base`; whether nothing is left, and the node is freed too. */
function cut(inode: Inode, node: usize, height: u32, base: u64, from: u64, to: u64): bool {
  const mount = changetype<Mount>(inode.mount);
  if (height == 0) {
    if (base < from || base >= to) return false;
    inode.dataPages -= 1;
    tmpfsPageFree(mount, node);
    return true;
  }
  const span = (<u64>1) << (NODE_BITS * (height - 1));
  let left = false;
  for (let i: u64 = 0; i <= NODE_MASK; i++) {
    const at = node + ((<usize>i) << 2);
    const below = load<usize>(at);
    if (below == 0) continue;
    const first = base + i * span;
    if (first < to && first + span > from && cut(inode, below, height - 1, first, from, to)) store<usize>(at, 0);
    else left = true;
  }
  if (!left) tmpfsPageFree(mount, node);
  return !left;
}

/** Makes a hole of the pages `from` … `to`, the last excluded. */
export function filePagesCut(inode: Inode, from: u64, to: u64): void {
  if (inode.tree != 0 && cut(inode, inode.tree, inode.height, 0, from, to)) inode.tree = 0;
  if (inode.tree == 0) inode.height = 0;
}

/** Pages that `bytes` take. */
export function pagesFor(bytes: u64): u64 {
  return (bytes >> PAGE_SHIFT) + ((bytes & (PAGE_SIZE - 1)) != 0 ? 1 : 0);
}
