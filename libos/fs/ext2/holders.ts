// Who keeps inodes that may have lost their names: open files, the working directory, mounts. An inode without names and holders is freed.
import { ENOMEM } from "../../../kernel/errno";
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";
import { NO_INODE, inodeAt } from "./inode";
import { orphanDelete } from "./orphans";
import { Volume } from "./volume";

const BUCKETS: u32 = 64;

/** An inode with holders. */
@unmanaged
@final
class Holder {
  chain: usize;
  volume: usize;
  number: u32;
  references: u32;
  /** Of a directory that has been removed: the one above, which it holds. 0 otherwise. */
  parent: u32;
  /** Whether it has never had a name and may get one. */
  linkable: bool;
}

const NO_HOLDER: Holder = changetype<Holder>(0);

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
const table = memory.data(256, 4); // BUCKETS addresses
let initialised = false;

function bucket(number: u32): usize {
  return table + ((<usize>(number & (BUCKETS - 1))) << 2);
}

function find(volume: Volume, number: u32): Holder {
  let at = changetype<Holder>(load<usize>(bucket(number)));
  while (at != NO_HOLDER && (at.number != number || at.volume != changetype<usize>(volume))) {
    at = changetype<Holder>(at.chain);
  }
  return at;
}

/** Whether somebody holds inode `number`. */
export function isHeld(volume: Volume, number: u32): bool {
  return find(volume, number) != NO_HOLDER;
}

/** One holder more: 0 or -ENOMEM. */
export function hold(volume: Volume, number: u32): i32 {
  const known = find(volume, number);
  if (known != NO_HOLDER) {
    known.references += 1;
    return 0;
  }
  if (!initialised) slabInit(slab, offsetof<Holder>());
  initialised = true;
  const holder = changetype<Holder>(slab.alloc());
  if (holder == NO_HOLDER) return -ENOMEM;
  holder.volume = changetype<usize>(volume);
  holder.number = number;
  holder.references = 1;
  holder.chain = load<usize>(bucket(number));
  store<usize>(bucket(number), changetype<usize>(holder));
  return 0;
}

/** Directory `number`, which is held, has been removed from `parent`: that stays for as long. */
export function holdParent(volume: Volume, number: u32, parent: u32): void {
  if (hold(volume, parent) == 0) find(volume, number).parent = parent;
}

/** Inode `number`, which is held and has no name, may get one, or no more. */
export function linkableSet(volume: Volume, number: u32, linkable: bool): void {
  find(volume, number).linkable = linkable;
}

/** Whether inode `number` has never had a name and may get one. */
export function isLinkable(volume: Volume, number: u32): bool {
  const holder = find(volume, number);
  return holder != NO_HOLDER && holder.linkable;
}

/** The directory above a removed one; 0 when it is not known. */
export function heldParent(volume: Volume, number: u32): u32 {
  const holder = find(volume, number);
  return holder == NO_HOLDER ? 0 : holder.parent;
}

/** One holder less; the last one of an inode without names frees it. Volumes that cannot be written keep it for who mounts them next. */
export function release(volume: Volume, start: u32): void {
  let number = start;
  while (number != 0) {
    const holder = find(volume, number);
    if (holder == NO_HOLDER || --holder.references != 0) return;
    const parent = holder.parent;
    let link = bucket(number);
    while (load<usize>(link) != changetype<usize>(holder)) link = load<usize>(link) + offsetof<Holder>("chain");
    store<usize>(link, holder.chain);
    slab.free(changetype<usize>(holder));
    const inode = volume.isReadOnly || volume.isClosed ? NO_INODE : inodeAt(volume, number);
    if (inode != NO_INODE && inode.links == 0) orphanDelete(volume, number);
    number = parent;
  }
}
