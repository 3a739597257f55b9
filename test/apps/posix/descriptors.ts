// The descriptor table: lowest numbers first, duplicates, limits.
import {
  EBADF,
  EMFILE,
  FD_CLOEXEC,
  F_DUPFD,
  F_GETFD,
  F_SETFD,
  OPEN_MAX,
  SEEK_CUR,
  SEEK_SET,
  close,
  dup,
  dup2,
  fcntl,
  lseek,
  open,
} from "karyon";
import { check, checkError } from "./check";

function duplicateChecks(): void {
  const fd = open("/hello.txt");
  const second = dup(fd);
  check("dup shares the position", lseek(fd, 3, SEEK_SET) == 3 && lseek(second, 0, SEEK_CUR) == 3);
  check("close leaves the other", close(fd) == 0 && lseek(second, 0, SEEK_CUR) == 3);
  check("dup2", dup2(second, 20) == 20 && lseek(20, 0, SEEK_CUR) == 3 && dup2(20, 20) == 20);
  check("F_DUPFD takes the lowest from there", fcntl(second, F_DUPFD, 20) == 21);
  check("FD_CLOEXEC", fcntl(second, F_GETFD) == 0 && fcntl(second, F_SETFD, FD_CLOEXEC) == 0);
  check("FD_CLOEXEC is the descriptor's own", fcntl(second, F_GETFD) == FD_CLOEXEC && fcntl(20, F_GETFD) == 0);
  close(second);
  close(20);
  close(21);
  checkError("close twice", close(21), EBADF);
  checkError("dup of none", dup(21), EBADF);
  checkError("dup2 out of range", dup2(1, OPEN_MAX), EBADF);
}

function limitChecks(): void {
  let count = 0;
  while (open("/hello.txt") >= 0) count++;
  check("all descriptors can be used", count == <i32>OPEN_MAX - 3);
  checkError("one more", open("/hello.txt"), EMFILE);
  close(100);
  close(50);
  check("the lowest free one is next", open("/hello.txt") == 50 && open("/hello.txt") == 100);
  for (let fd = 3; fd < <i32>OPEN_MAX; fd++) close(fd);
}

export function descriptorChecks(): void {
  const first = open("/hello.txt");
  check("the first descriptor is 3", first == 3 && close(first) == 0);
  duplicateChecks();
  limitChecks();
}
