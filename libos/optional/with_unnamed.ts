// What only an image has that can make files, in memory or on a disk: files without names (O_TMPFILE), as with_pipe.ts has it for pipe().
// libos/posix/unnamed.ts implements it.
import { EOPNOTSUPP } from "../../kernel/errno";

/** What an image without such files answers. Results are xor'ed with it, for an empty function returns 0. */
export const NO_UNNAMED: i32 = -EOPNOTSUPP;

/**
 * open() with O_TMPFILE in `flags`, of which O_DIRECTORY is a part: the descriptor of a file without a name in the file system of the directory that the path names. -EINVAL
 * (flags that do not go together), -ENOTDIR, -EROFS, -EPERM (a directory of a disk that has been removed), -ENOSPC, -ENOMEM, -EIO, and what is wrong with the path. Xor'ed with NO_UNNAMED.
 */
export declare function unnamedOpen(directory: i32, path: u32, length: u32, flags: i32, mode: u32): i32;
