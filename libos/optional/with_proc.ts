// What only an image has whose manifest says "proc": files that tell of process and system in the formats of Linux, as with_pipe.ts has
// it for pipe(). libos/fs/proc/ implements it. A node is a number below 2^32. Nothing here blocks.
import { FileStatus } from "../posix/layout";
import { ListedName } from "../fs/listing";

/** Mounts it at /proc. */
export declare function procStart(): void;
/** S_IF… of a node. */
export declare function procType(node: u32): u32;
/** The node of a name in `directory`; 0 for none. */
export declare function procLookup(directory: u32, name: usize, length: u32): u32;
/** The directory that `node` is in. */
export declare function procParent(node: u32): u32;
/** Where the text of link `node` is, which is good until the next is asked for; its length, u32, goes to `length`. */
export declare function procLink(node: u32, length: usize): usize;
/** The descriptor that link `node` leads to, one more; 0 for none. */
export declare function procDescriptor(node: u32): u32;
/** Fills `status`, which is zero. */
export declare function procStatus(node: u32, status: FileStatus): void;
/** Fills `listed` with the name of `directory` at the position in `listed.next`; false at the end. */
export declare function procList(directory: u32, listed: ListedName): bool;
/**
 * Copies up to `count` bytes of the text of file `node` from `offset`: how many, -ENOMEM. The text, whose address is at `textAt`, is made anew
 * when it is read from the beginning.
 */
export declare function procRead(node: u32, textAt: usize, target: usize, count: u32, offset: u64): i32;
/** Frees a text. */
export declare function procClose(text: usize): void;
