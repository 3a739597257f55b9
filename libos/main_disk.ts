// What the kernel of an image with disks has besides: what with_disk.ts and with_fork_disk.ts name. The driver's functions are called by their table
// indexes, and would be in every image.
export * from "./fs/ext2/calls";
