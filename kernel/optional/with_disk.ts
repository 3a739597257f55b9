// What only an image with disks has (libos/optional/with_disk.ts), as far as the kernel calls it.

/** The domain is about to end: writes all that is not written, and leaves the volumes clean. */
export declare function diskFinish(): void;
