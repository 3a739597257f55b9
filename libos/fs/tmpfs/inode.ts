// What a tmpfs keeps of a file, a directory or a symbolic link, and of a name: the structures. An inode lives while it has names
// (links) or holders (references: open descriptions, the working directory, and of a directory those made in it, whose ".." it is).
// Invariants: a directory has links 2 + its subdirectories, or 0 when it has been removed, and then it is empty and stays so;
// `first` … `last` are its names in the order in which they were made, their sequence numbers ascend.

/** A file, a directory or a symbolic link. */
@unmanaged
@final
export class Inode {
  /** S_IF… and permissions. */
  mode: u32;
  links: u32;
  references: u32;
  /** The Mount that it belongs to. */
  mount: usize;
  number: u64;
  /** Bytes; of a directory, as Linux counts them. */
  size: u64;
  /** Of a file: its pages (pages.ts), how high the tree is, and how many bytes of pages have data. Of a link: the address of its text. */
  tree: usize;
  height: u32;
  dataPages: u64;
  /** Of a directory: the Inode that it was made in or moved to. */
  parent: usize;
  /** The Entry that names it, of several the one made last; 0 when that is gone. */
  entry: usize;
  /** Of a directory: its Entries. */
  first: usize;
  last: usize;
  nextSequence: u64;
  /** Where a listing has come to: the first Entry whose sequence number is above `cursorSequence`. 0 = none. */
  cursor: usize;
  /** Whether it has never had a name and may get one. */
  linkable: bool;
  cursorSequence: u64;
  /** Times of the last read, change of contents and change of any kind, ns since 1970. */
  accessed: u64;
  modified: u64;
  changed: u64;
  /** Whose it is. */
  user: u32;
  group: u32;
}

/** A name in a directory; its bytes stand behind it. */
@unmanaged
@final
export class Entry {
  /** The next with the same hash. */
  chain: usize;
  hash: u32;
  directory: usize;
  inode: usize;
  next: usize;
  previous: usize;
  sequence: u64;
  length: u32;

  /** Where the name's bytes are. */
  name(): usize {
    return changetype<usize>(this) + offsetof<Entry>();
  }
}

export const NO_INODE: Inode = changetype<Inode>(0);
export const NO_ENTRY: Entry = changetype<Entry>(0);
