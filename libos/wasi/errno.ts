// Error numbers of WASI preview 1 (wasi_snapshot_preview1.witx, `errno`), and the one table from ours, which are Linux's. They begin with the
// same name and go on in another order.

export const WASI_SUCCESS: u32 = 0;
export const WASI_BADF: u32 = 8;
export const WASI_FAULT: u32 = 21;
export const WASI_INVAL: u32 = 28;
export const WASI_IO: u32 = 29;
export const WASI_NAMETOOLONG: u32 = 37;
export const WASI_NOTDIR: u32 = 54;
export const WASI_NOTSUP: u32 = 58;
export const WASI_PERM: u32 = 63;
export const WASI_SPIPE: u32 = 70;

/** By Linux's number; 0 where the kernel has none or WASI has no name for it. */
// prettier-ignore
const TABLE = memory.data<u8>([
   0, 63, 44, 71, 27, 29, 60,  1, 45,  8, // -, EPERM, ENOENT, ESRCH, EINTR, EIO, ENXIO, E2BIG, ENOEXEC, EBADF
  12,  6, 48,  2, 21,  0, 10, 20, 75, 43, // ECHILD, EAGAIN, ENOMEM, EACCES, EFAULT, -, EBUSY, EEXIST, EXDEV, ENODEV
  54, 31, 28, 41, 33, 59, 74, 22, 51, 70, // ENOTDIR, EISDIR, EINVAL, ENFILE, EMFILE, ENOTTY, ETXTBSY, EFBIG, ENOSPC, ESPIPE
  69, 34, 64, 18, 68, 16, 37, 46, 52, 55, // EROFS, EMLINK, EPIPE, EDOM, ERANGE, EDEADLK, ENAMETOOLONG, ENOLCK, ENOSYS, ENOTEMPTY
  32,  0, 49, 24,  0,  0,  0,  0,  0,  0, // ELOOP, -, ENOMSG, EIDRM
   0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
   0,  0,  0,  0,  0,  0,  0, 47,  0,  0, // ENOLINK
   0, 65, 36,  0,  9, 61,  0,  0,  0,  0, // EPROTO, EMULTIHOP, -, EBADMSG, EOVERFLOW
   0,  0,  0,  0, 25,  0,  0,  0, 57, 17, // EILSEQ, ENOTSOCK, EDESTADDRREQ
  35, 67, 50, 66,  0, 58,  0,  5,  3,  4, // EMSGSIZE, EPROTOTYPE, ENOPROTOOPT, EPROTONOSUPPORT, -, EOPNOTSUPP, -, EAFNOSUPPORT, EADDRINUSE, EADDRNOTAVAIL
  38, 40, 39, 13, 15, 42, 30, 53,  0,  0, // ENETDOWN, ENETUNREACH, ENETRESET, ECONNABORTED, ECONNRESET, ENOBUFS, EISCONN, ENOTCONN
  73, 14,  0, 23,  7, 26, 72,             // ETIMEDOUT, ECONNREFUSED, -, EHOSTUNREACH, EALREADY, EINPROGRESS, ESTALE
]);
const KNOWN: i32 = 117;

/** What an app is told of the result of a system call: 0, or the error that `result` is the negative of. */
export function wasiError(result: i64): u32 {
  if (result >= 0) return WASI_SUCCESS;
  const number = result > -KNOWN ? load<u8>(TABLE + <usize>-result) : 0;
  return number != 0 ? number : WASI_IO;
}
