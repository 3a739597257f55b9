// fcntl.h: opening the files embedded in the image and the devices, and the modes of descriptors.
import { F_GETFL, F_SETFL, O_NONBLOCK, O_RDONLY } from "../posix/constants";
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/**
 * Opens the embedded file or directory `path`; the tree is read-only (EROFS for O_WRONLY, O_RDWR, O_CREAT). /dev/null and
 * /dev/zero are there as in null(4), for reading and writing.
 * A relative path starts at "/". Returns the lowest free descriptor, or -1.
 */
export function open(path: string, flags: i32 = O_RDONLY): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.open(changetype<usize>(name), name.byteLength, flags));
}

/** F_GETFL, F_SETFL (O_NONBLOCK), F_GETFD, F_SETFD (FD_CLOEXEC), F_DUPFD, F_DUPFD_CLOEXEC. */
export function fcntl(fd: i32, command: i32, argument: i32 = 0): i32 {
  return conclude(errno, posix.fcntl(fd, command, argument));
}

/** Puts `fd` in or out of non-blocking mode: the usual pair of fcntl calls. Returns 0, or -1. */
export function setNonBlocking(fd: i32, on: bool = true): i32 {
  const flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -1;
  return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}
