// What only an app has that can make files: one that calls creat(), mkdir() and the like, or whose manifest says "tmpfs"
// (tools/image/glue.ts); as with_pipe.ts has it for pipe(). libos/fs/tmpfs/ implements it. Nodes of a tmpfs are Inodes, which the others see as
// they are; what is looked up, made or removed goes through here. Nothing here blocks.
import { FileStatus } from "../posix/layout";
import { ListedName } from "../fs/listing";
import { Mount } from "../fs/mounts";
import { Inode } from "../fs/tmpfs/inode";

/** Mounts those that the command line asks for, and /tmp. */
export declare function tmpfsStart(): void;
/** The inode that `directory` has under the name; 0 for none. */
export declare function tmpfsLookup(directory: Inode, name: usize, length: u32): usize;
/** Makes a file, a directory or a symbolic link with `text` under a free name: its address, -ENOENT, -EINVAL, -ENOSPC, -ENOMEM. */
export declare function tmpfsMake(
  directory: Inode,
  name: usize,
  length: u32,
  mode: u32,
  text: usize,
  textLength: u32,
): i32;
/** Makes a file without a name and with one holder: its address, -ENOSPC, -ENOMEM. */
export declare function tmpfsMakeUnnamed(mount: Mount, mode: u32, linkable: bool): i32;
/** Gives `inode` one more name, which is free: 0, -ENOENT, -EINVAL, -ENOSPC, -ENOMEM. */
export declare function tmpfsLink(directory: Inode, name: usize, length: u32, inode: Inode): i32;
/** Takes a name away, of an empty directory the directory with it. */
export declare function tmpfsRemove(directory: Inode, name: usize, length: u32): void;
/** Gives what is named `from` the name `to` instead, and removes what that named: 0, -ENOENT, -EINVAL, -ENOMEM. */
export declare function tmpfsRename(
  oldDirectory: Inode,
  from: usize,
  fromLength: u32,
  directory: Inode,
  to: usize,
  toLength: u32,
): i32;
/** A holder less. */
export declare function tmpfsRelease(inode: Inode): void;
/** Fills `status`, which is zero. */
export declare function tmpfsStatus(inode: Inode, status: FileStatus): void;
/** Fills `listed` with the first name behind the position in `listed.next`; false at the end. */
export declare function tmpfsList(directory: Inode, listed: ListedName): bool;
/** Reads up to `count` bytes from `offset`: how many, 0 at and behind the end. */
export declare function tmpfsRead(inode: Inode, target: usize, count: u32, offset: u64): i32;
/** Writes `count` bytes at `offset`: how many, or -ENOSPC, -ENOMEM, -EFBIG when none. */
export declare function tmpfsWrite(inode: Inode, source: usize, count: u32, offset: u64): i32;
/** Makes the file so long. */
export declare function tmpfsResize(inode: Inode, size: u64): void;
/** Notes that its contents have changed now. */
export declare function tmpfsModified(inode: Inode): void;
