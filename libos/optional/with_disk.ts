// What only an image has whose manifest says "disks": file systems on block devices, as with_pipe.ts has it for pipe(). Its kernel is made of
// libos/main_disk.ts, too. libos/fs/ext2/calls.ts implements it. A node is the number of an inode, and S_IF… >> 12 in the bits from 32 on
// (libos/fs/disk_node.ts). All of these but diskStart() wait for the device, and so take turns: from diskLock() to diskUnlock() no other thread
// is in a call on paths, so what a walk has found stays as it is. Each returns -EIO when the device fails.
import { OpenFile } from "../process/open_file";
import { ListedName } from "../fs/listing";
import { Mount } from "../fs/mounts";
import { FileStatus, FileSystemStatus } from "../posix/layout";

/** At boot: begins to connect to the devices that the command line names. */
export declare function diskStart(): void;
/** Waits for them and mounts what they hold. What cannot be mounted is logged. */
export declare function diskMount(): void;
/** When the app has ended: writes all that is not written, and leaves the volumes clean. */
export declare function diskFinish(): void;
/** Lets one thread at a time go on; one that holds the lock may take it again. */
export declare function diskLock(): void;
/** As often as diskLock(). */
export declare function diskUnlock(): void;

/** Stores the node of a name in `directory` at `nodeAt`, 0 when there is none. */
export declare function diskLookup(mount: Mount, directory: u64, name: usize, length: u32, nodeAt: usize): i32;
/** Stores the directory above `directory` at `nodeAt`. */
export declare function diskParent(mount: Mount, directory: u64, nodeAt: usize): i32;
/** Where the text of a link is, until diskUnlock(); its length, u32, goes to `lengthAt`. */
export declare function diskLink(mount: Mount, node: u64, lengthAt: usize): i32;
/** Fills `status`, which is zero. */
export declare function diskStatus(mount: Mount, node: u64, status: FileStatus): i32;
/** Fills `listed` with the name of `directory` at the position in `listed.next`: 1, 0 at the end. */
export declare function diskList(mount: Mount, directory: u64, listed: ListedName): i32;
/** Whether the directory has no names: 1 or 0. */
export declare function diskIsEmpty(mount: Mount, directory: u64): i32;
/** One holder more: -ENOMEM. */
export declare function diskHold(mount: Mount, node: u64): i32;
/** One holder less. */
export declare function diskRelease(mount: Mount, node: u64): void;
/** Reads up to `count` bytes from `offset`: how many, 0 at and behind the end. */
export declare function diskRead(file: OpenFile, target: usize, count: u32, offset: u64): i32;
/**
 * Writes `count` bytes at `offset`, or at the end of a file opened with O_APPEND: how many, or -ENOSPC, -EFBIG, -EROFS when none. Where it has
 * ended goes to `endAt`.
 */
export declare function diskWrite(file: OpenFile, source: usize, count: u32, offset: u64, endAt: usize): i32;
/** Makes a file, a directory or a symbolic link with `text` under a free name, and stores its node at `nodeAt`: -ENOENT, -EINVAL, -ENOSPC, -EMLINK, -ENAMETOOLONG, -EROFS. */
export declare function diskMake(
  mount: Mount,
  directory: u64,
  name: usize,
  length: u32,
  mode: u32,
  text: usize,
  textLength: u32,
  nodeAt: usize,
): i32;
/** Makes a file without a name and with one holder, and stores its node at `nodeAt`: -EPERM (the directory has been removed), -ENOSPC, -ENOMEM, -EROFS. */
export declare function diskMakeUnnamed(mount: Mount, directory: u64, mode: u32, linkable: bool, nodeAt: usize): i32;
/** Gives `node` one more name, which is free: -ENOENT, -EINVAL, -ENOSPC, -EMLINK, -EROFS. */
export declare function diskLinkName(mount: Mount, directory: u64, name: usize, length: u32, node: u64): i32;
/** Takes a name away, of an empty directory the directory with it. */
export declare function diskRemove(mount: Mount, directory: u64, name: usize, length: u32): i32;
/** Gives what is named `from` the name `to` instead, and removes what that named. */
export declare function diskRename(
  mount: Mount,
  oldDirectory: u64,
  from: usize,
  fromLength: u32,
  directory: u64,
  to: usize,
  toLength: u32,
): i32;
/** Makes the file `size` bytes long; notes a change also when it is so already, if `always`. */
export declare function diskResize(mount: Mount, node: u64, size: u64, always: bool): i32;
/** Sets the times of the last read and the last change of contents, ns since 1970; u64.MAX_VALUE leaves one as it is. */
export declare function diskSetTimes(mount: Mount, node: u64, accessed: u64, modified: u64): i32;
/** Sets the permissions to the twelve bits of `mode`. */
export declare function diskSetMode(mount: Mount, node: u64, mode: u32): i32;
/** Sets user and group, u32.MAX_VALUE leaves one as it is, and takes the bits `lost` off the permissions. */
export declare function diskSetOwner(mount: Mount, node: u64, user: u32, group: u32, lost: u32): i32;
/** diskSync() of all volumes, as well as it goes. */
export declare function diskSyncAll(): void;
/** Returns when all that has been written before is on the device. */
export declare function diskSync(mount: Mount): i32;
/** Fills in the size of the file system and what is free, in a `status` that is zero. */
export declare function diskStatistics(mount: Mount, status: FileSystemStatus): void;
