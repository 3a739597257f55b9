// errno.h and the part of string.h and stdio.h that tells what an error number means.
import * as numbers from "../../kernel/errno";
import { fputs, stderr } from "./stdio";
export * from "../../kernel/errno";

/**
 * The number of the last error of the calling thread. A call that succeeds leaves it as it was.
 *
 * One variable serves all threads: the processor goes from one thread to another only inside a system call, and each
 * gives its caller back the caller's value (`conclude`).
 */
export let errno: i32 = 0;

/** Sets errno: what `errno = number` is in C. */
export function setErrno(number: i32): void {
  errno = number;
}

/**
 * Concludes a system call the way C has it: returns `result` when it is not negative, else -1 with errno set.
 * `before` is errno as it was before the call.
 */
export function conclude(before: i32, result: i32): i32 {
  if (result >= 0) {
    errno = before;
    return result;
  }
  errno = -result;
  return -1;
}

/** Like `conclude`, for results of 64 bits. */
export function conclude64(before: i32, result: i64): i64 {
  if (result >= 0) {
    errno = before;
    return result;
  }
  errno = -(<i32>result);
  return -1;
}

/** Like `conclude`, for calls whose result is not errno's business: returns it and puts errno back to `before`. */
export function keep(before: i32, result: i32): i32 {
  errno = before;
  return result;
}

/** What error `number` means, in the words of the C library. */
export function strerror(number: i32): string {
  switch (number) {
    case 0:
      return "Success";
    case numbers.EPERM:
      return "Operation not permitted";
    case numbers.ENOENT:
      return "No such file or directory";
    case numbers.ESRCH:
      return "No such process";
    case numbers.EINTR:
      return "Interrupted system call";
    case numbers.EIO:
      return "Input/output error";
    case numbers.ENXIO:
      return "No such device or address";
    case numbers.E2BIG:
      return "Argument list too long";
    case numbers.ENOEXEC:
      return "Exec format error";
    case numbers.EBADF:
      return "Bad file descriptor";
    case numbers.ECHILD:
      return "No child processes";
    case numbers.EAGAIN:
      return "Resource temporarily unavailable";
    case numbers.ENOMEM:
      return "Cannot allocate memory";
    case numbers.EACCES:
      return "Permission denied";
    case numbers.EFAULT:
      return "Bad address";
    case numbers.EBUSY:
      return "Device or resource busy";
    case numbers.EEXIST:
      return "File exists";
    case numbers.EXDEV:
      return "Invalid cross-device link";
    case numbers.ENODEV:
      return "No such device";
    case numbers.ENOTDIR:
      return "Not a directory";
    case numbers.EISDIR:
      return "Is a directory";
    case numbers.EINVAL:
      return "Invalid argument";
    case numbers.ENFILE:
      return "Too many open files in system";
    case numbers.EMFILE:
      return "Too many open files";
    case numbers.ENOTTY:
      return "Inappropriate ioctl for device";
    case numbers.EFBIG:
      return "File too large";
    case numbers.ENOSPC:
      return "No space left on device";
    case numbers.ESPIPE:
      return "Illegal seek";
    case numbers.EROFS:
      return "Read-only file system";
    case numbers.EPIPE:
      return "Broken pipe";
    case numbers.EDOM:
      return "Numerical argument out of domain";
    case numbers.ERANGE:
      return "Numerical result out of range";
    case numbers.EDEADLK:
      return "Resource deadlock avoided";
    case numbers.ENAMETOOLONG:
      return "File name too long";
    case numbers.ENOSYS:
      return "Function not implemented";
    case numbers.ENOTEMPTY:
      return "Directory not empty";
    case numbers.ELOOP:
      return "Too many levels of symbolic links";
    default:
      return networkError(number);
  }
}

function networkError(number: i32): string {
  switch (number) {
    case numbers.ELOOP:
      return "Too many levels of symbolic links";
    case numbers.ENODATA:
      return "No data available";
    case numbers.EPROTO:
      return "Protocol error";
    case numbers.EOVERFLOW:
      return "Value too large for defined data type";
    case numbers.ENOTSOCK:
      return "Socket operation on non-socket";
    case numbers.EDESTADDRREQ:
      return "Destination address required";
    case numbers.EMSGSIZE:
      return "Message too long";
    case numbers.EPROTOTYPE:
      return "Protocol wrong type for socket";
    case numbers.ENOPROTOOPT:
      return "Protocol not available";
    case numbers.ESOCKTNOSUPPORT:
      return "Socket type not supported";
    case numbers.ETOOMANYREFS:
      return "Too many references: cannot splice";
    case numbers.EPROTONOSUPPORT:
      return "Protocol not supported";
    case numbers.EOPNOTSUPP:
      return "Operation not supported";
    case numbers.EAFNOSUPPORT:
      return "Address family not supported by protocol";
    case numbers.EADDRINUSE:
      return "Address already in use";
    case numbers.EADDRNOTAVAIL:
      return "Cannot assign requested address";
    case numbers.ENETDOWN:
      return "Network is down";
    case numbers.ENETUNREACH:
      return "Network is unreachable";
    case numbers.ECONNABORTED:
      return "Software caused connection abort";
    case numbers.ECONNRESET:
      return "Connection reset by peer";
    case numbers.ENOBUFS:
      return "No buffer space available";
    case numbers.EISCONN:
      return "Transport endpoint is already connected";
    case numbers.ENOTCONN:
      return "Transport endpoint is not connected";
    case numbers.ETIMEDOUT:
      return "Connection timed out";
    case numbers.ECONNREFUSED:
      return "Connection refused";
    case numbers.EHOSTUNREACH:
      return "No route to host";
    case numbers.EALREADY:
      return "Operation already in progress";
    case numbers.EINPROGRESS:
      return "Operation now in progress";
    default:
      return `Unknown error ${number}`;
  }
}

/** Writes "`what`: <meaning of errno>" and a newline to standard error. */
export function perror(what: string): void {
  const number = errno;
  fputs(`${what}: ${strerror(number)}\n`, stderr);
  errno = number;
}
