// What is on a volume (ext2 with the journal of ext3, as Linux's Documentation/filesystems/ext4 has it; little endian): superblock, group
// descriptors and inodes as structures that lie over a buffer's bytes, and the numbers that they hold.

export const EXT2_MAGIC: u16 = 0xef53;
/** Where the superblock is on the device, and how long it is. */
export const SUPERBLOCK_OFFSET: u32 = 1024;

/** The root directory, and the file that the journal is in. */
export const ROOT_INODE: u32 = 2;

// Superblock.state.
export const STATE_ERROR: u16 = 2;

// Features. Those of the first kind are of no concern to who does not know them, with those of the second a volume cannot be read, with those of
// the third it cannot be written.
export const COMPAT_HAS_JOURNAL: u32 = 4;
export const INCOMPAT_FILETYPE: u32 = 2;
/** The journal has what is not in its place. */
export const INCOMPAT_RECOVER: u32 = 4;
export const RO_COMPAT_SPARSE_SUPER: u32 = 1;
export const RO_COMPAT_LARGE_FILE: u32 = 2;
/** Inodes tell how long they are. */
export const RO_COMPAT_EXTRA_ISIZE: u32 = 0x40;

export const INCOMPAT_KNOWN: u32 = INCOMPAT_FILETYPE | INCOMPAT_RECOVER;
export const RO_COMPAT_KNOWN: u32 = RO_COMPAT_SPARSE_SUPER | RO_COMPAT_LARGE_FILE | RO_COMPAT_EXTRA_ISIZE;

@unmanaged
@final
export class Superblock {
  inodes: u32;
  blocks: u32;
  reservedBlocks: u32;
  freeBlocks: u32;
  freeInodes: u32;
  firstDataBlock: u32;
  /** Of the size of a block in KiB. */
  logBlockSize: u32;
  logFragmentSize: u32;
  blocksPerGroup: u32;
  fragmentsPerGroup: u32;
  inodesPerGroup: u32;
  mountTime: u32;
  writeTime: u32;
  mountCount: u16;
  mountCountMaximum: u16;
  magic: u16;
  state: u16;
  errors: u16;
  minorRevision: u16;
  lastCheck: u32;
  checkInterval: u32;
  creator: u32;
  revision: u32;
  reservedUser: u16;
  reservedGroup: u16;
  /** The first inode that is not reserved, and bytes of each. */
  firstInode: u32;
  inodeSize: u16;
  blockGroup: u16;
  compatible: u32;
  incompatible: u32;
  readOnlyCompatible: u32;
}

/** Fields of the superblock further on. */
export const SUPER_JOURNAL_INODE: usize = 224;
export const SUPER_LAST_ORPHAN: usize = 232;

@unmanaged
@final
export class GroupDescriptor {
  blockBitmap: u32;
  inodeBitmap: u32;
  inodeTable: u32;
  freeBlocks: u16;
  freeInodes: u16;
  directories: u16;
  flags: u16;
}

export const GROUP_DESCRIPTOR_SIZE: u32 = 32;

/** Block numbers in an inode: of the data itself, and of blocks of numbers, of blocks of those, and so on. */
export const DIRECT_BLOCKS: u32 = 12;
export const BLOCK_NUMBERS: u32 = 15;
/** A symbolic link shorter than these is where the numbers would be. */
export const FAST_LINK_SIZE: u32 = 60;

/** Inode.flags: the directory is a hash tree, too. A change made without it ends that. */
export const FLAG_INDEX: u32 = 0x1000;

/** Names of a file at most, as ext3 has it. */
export const LINKS_MAXIMUM: u16 = 32000;

@unmanaged
@final
export class Inode {
  mode: u16;
  user: u16;
  size: u32;
  accessed: u32;
  changed: u32;
  modified: u32;
  /** When it was deleted; of one that is to be, the next of the list of those. */
  deleted: u32;
  group: u16;
  links: u16;
  /** In sectors of 512 bytes, blocks of numbers included. */
  blocks: u32;
  flags: u32;
  version: u32;
  block0: u32; // … BLOCK_NUMBERS of them

  /** Address of block number `index`. */
  at(index: u32): usize {
    return changetype<usize>(this) + offsetof<Inode>("block0") + ((<usize>index) << 2);
  }
}

// Fields of an inode further on.
export const INODE_GENERATION: usize = 100;
/** The block of its extended attributes. */
export const INODE_ATTRIBUTES: usize = 104;
/** The upper half of a regular file's size. */
export const INODE_SIZE_HIGH: usize = 108;
/** The upper halves of its user and group. */
export const INODE_USER_HIGH: usize = 120;
export const INODE_GROUP_HIGH: usize = 122;
/** Bytes behind the first 128 that are in use, if the inode is longer. */
export const INODE_EXTRA: usize = 128;
export const INODE_CHANGED_EXTRA: usize = 132;
export const INODE_MODIFIED_EXTRA: usize = 136;
export const INODE_ACCESSED_EXTRA: usize = 140;
export const INODE_CREATED: usize = 144;
export const INODE_CREATED_EXTRA: usize = 148;
/** What a new inode that is longer has of these. */
export const INODE_EXTRA_SIZE: u16 = 32;
export const INODE_BASE_SIZE: u32 = 128;

/** A name in a directory; its bytes follow. */
@unmanaged
@final
export class DirectoryEntry {
  /** 0: no name. */
  inode: u32;
  /** Bytes to the next entry, in the same block. */
  length: u16;
  nameLength: u8;
  /** S_IF… as entryType() has it. */
  type: u8;
}

export const ENTRY_HEADER: u32 = 8;
