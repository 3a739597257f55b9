// Memory of tmpfs: everything that is kept for a mount counts against its size – pages, indices, inodes and names. Blocks are of a
// few sizes, each a slab; what is larger takes a page.
import { ENOMEM, ENOSPC } from "../../../kernel/errno";
import { PAGE_SIZE, pageAlloc, pagesFree } from "../../../kernel/memory/pages";
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";
import { Mount } from "../mounts";

const CLASSES: u32 = 4;
const SLAB_BYTES: usize = SLAB_SIZE;

const slabs = memory.data(96, 8); // CLASSES of SLAB_SIZE
let initialised = false;

function classSize(index: u32): u32 {
  switch (index) {
    case 0:
      return 64;
    case 1:
      return 96;
    case 2:
      return 160;
    default:
      return 312; // a name of NAME_MAX
  }
}

/** The class for `bytes`; CLASSES when it takes a page. */
function classOf(bytes: u32): u32 {
  let index: u32 = 0;
  while (index < CLASSES && classSize(index) < bytes) index++;
  return index;
}

function slabOf(index: u32): Slab {
  return changetype<Slab>(slabs + <usize>index * SLAB_BYTES);
}

function initialise(): void {
  for (let i: u32 = 0; i < CLASSES; i++) slabInit(slabOf(i), classSize(i));
  initialised = true;
}

/** A page for `mount`, its contents undefined: its address, -ENOSPC, or -ENOMEM when the domain has no more. */
export function tmpfsPage(mount: Mount): i32 {
  if (mount.capacity - mount.used < PAGE_SIZE || mount.used > mount.capacity) return -ENOSPC;
  const page = pageAlloc();
  if (page == 0) return -ENOMEM;
  mount.used += PAGE_SIZE;
  return <i32>page;
}

/** Gives back a page from tmpfsPage. */
export function tmpfsPageFree(mount: Mount, page: usize): void {
  mount.used -= PAGE_SIZE;
  pagesFree(page, 0);
}

/** A block of up to PAGE_SIZE `bytes`, zero: its address, -ENOSPC, -ENOMEM. `anyway`: the mount's size is no limit, for one that is to replace another. */
export function tmpfsAlloc(mount: Mount, bytes: u32, anyway: bool): i32 {
  if (!initialised) initialise();
  const index = classOf(bytes);
  if (index == CLASSES) return tmpfsPage(mount);
  const size = classSize(index);
  if (!anyway && (mount.used > mount.capacity || mount.capacity - mount.used < size)) return -ENOSPC;
  const block = slabOf(index).alloc();
  if (block == 0) return -ENOMEM;
  mount.used += size;
  return <i32>block;
}

/** Gives back a block of `bytes` from tmpfsAlloc. */
export function tmpfsFree(mount: Mount, block: usize, bytes: u32): void {
  const index = classOf(bytes);
  if (index == CLASSES) return tmpfsPageFree(mount, block);
  mount.used -= classSize(index);
  slabOf(index).free(block);
}
