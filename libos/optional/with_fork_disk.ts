// What only an image has that forks and has disks; libos/fs/ext2/calls.ts implements it.

/** In the child of a fork: its parent's disks are not its own. Every call on them ends with -EIO from now on. */
export declare function diskForked(): void;
