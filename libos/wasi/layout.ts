// The structures of WASI preview 1 that cross the boundary, as the witx lays them out in app memory: little endian, each field at a multiple of its
// size.

/** `prestat`: its kind, and of a directory the length of its name. */
export const PRESTAT_SIZE: u32 = 8;

/** `fdstat`. */
@unmanaged
@final
export class DescriptorStatus {
  fileType: u8;
  flags: u16;
  rights: u64;
  inheriting: u64;
}
export const DESCRIPTOR_STATUS_SIZE: u32 = 24;

/** `filetype`. */
export const FILETYPE_UNKNOWN: u8 = 0;
export const FILETYPE_BLOCK_DEVICE: u8 = 1;
export const FILETYPE_CHARACTER_DEVICE: u8 = 2;
export const FILETYPE_DIRECTORY: u8 = 3;
export const FILETYPE_REGULAR_FILE: u8 = 4;
export const FILETYPE_SOCKET_DGRAM: u8 = 5;
export const FILETYPE_SOCKET_STREAM: u8 = 6;
export const FILETYPE_SYMBOLIC_LINK: u8 = 7;

/** `fdflags`. */
export const FDFLAGS_APPEND: u32 = 1;
export const FDFLAGS_NONBLOCK: u32 = 4;
export const FDFLAGS_DSYNC: u32 = 2;
export const FDFLAGS_RSYNC: u32 = 8;
export const FDFLAGS_SYNC: u32 = 16;
export const FDFLAGS_ALL: u32 = 0x1f;

/** `rights`. */
export const RIGHTS_FD_DATASYNC: u64 = 1 << 0;
export const RIGHTS_FD_READ: u64 = 1 << 1;
export const RIGHTS_FD_SEEK: u64 = 1 << 2;
export const RIGHTS_FD_FDSTAT_SET_FLAGS: u64 = 1 << 3;
export const RIGHTS_FD_SYNC: u64 = 1 << 4;
export const RIGHTS_FD_TELL: u64 = 1 << 5;
export const RIGHTS_FD_WRITE: u64 = 1 << 6;
export const RIGHTS_FD_ADVISE: u64 = 1 << 7;
export const RIGHTS_FD_ALLOCATE: u64 = 1 << 8;
export const RIGHTS_FD_FILESTAT_GET: u64 = 1 << 21;
export const RIGHTS_FD_FILESTAT_SET_SIZE: u64 = 1 << 22;
export const RIGHTS_FD_FILESTAT_SET_TIMES: u64 = 1 << 23;
export const RIGHTS_FD_READDIR: u64 = 1 << 14;
/** PATH_CREATE_DIRECTORY … PATH_OPEN. */
const RIGHTS_PATH_MAKE: u64 = 0x1f << 9;
/** PATH_READLINK … PATH_FILESTAT_SET_TIMES, but for PATH_FILESTAT_SET_SIZE: no function sets the size of what a path names. */
const RIGHTS_PATH_USE: u64 = 0x2f << 15;
/** PATH_SYMLINK, PATH_REMOVE_DIRECTORY, PATH_UNLINK_FILE. */
const RIGHTS_PATH_REMOVE: u64 = 7 << 24;
export const RIGHTS_PATH: u64 = RIGHTS_PATH_MAKE | RIGHTS_PATH_USE | RIGHTS_PATH_REMOVE;
export const RIGHTS_POLL_FD_READWRITE: u64 = 1 << 27;
export const RIGHTS_SOCK_SHUTDOWN: u64 = 1 << 28;
export const RIGHTS_SOCK_ACCEPT: u64 = 1 << 29;

/** `lookupflags`: through a symbolic link at the end of a path. */
export const LOOKUP_SYMLINK_FOLLOW: u32 = 1;

/** `filestat`. */
@unmanaged
@final
export class FileStatusWasi {
  device: u64;
  inode: u64;
  fileType: u8;
  links: u64;
  size: u64;
  /** ns since 1970. */
  accessed: u64;
  modified: u64;
  changed: u64;
}
export const FILE_STATUS_WASI_SIZE: u32 = 64;

/** `dirent`; the name follows. */
@unmanaged
@final
export class DirectoryEntryWasi {
  /** The cookie of the next name. */
  next: u64;
  inode: u64;
  nameLength: u32;
  fileType: u8;
}
export const DIRECTORY_ENTRY_WASI_SIZE: u32 = 24;

/** `subscription`. */
@unmanaged
@final
export class Subscription {
  data: u64;
  /** `eventtype`. */
  type: u8;
  private gap: u32; // what follows is a union, at a multiple of eight
  /** Of a clock: which. */
  clock: u32;
  /** Of a clock, ns. */
  timeout: u64;
  private precision: u64;
  /** Of a clock. */
  flags: u16;

  /** Where a clock's number is, other subscriptions have their descriptor. */
  get descriptor(): i32 {
    return this.clock;
  }
}
export const SUBSCRIPTION_SIZE: u32 = 48;

/** `event`. */
@unmanaged
@final
export class PollEvent {
  data: u64;
  error: u16;
  type: u8;
  bytes: u64;
  flags: u16;
}
export const EVENT_SIZE: u32 = 32;
