// Files in memory: making, changing, naming and removing them by the functions of "karyon".
import {
  EEXIST,
  EINVAL,
  ENOENT,
  ENOTEMPTY,
  EROFS,
  EXDEV,
  F_OK,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_ISDIR,
  S_ISLNK,
  S_ISREG,
  Stat,
  Statfs,
  TMPFS_MAGIC,
  access,
  chdir,
  chmod,
  close,
  creat,
  fchdir,
  fputs,
  fstat,
  fstatfs,
  fsync,
  ftruncate,
  futimens,
  getcwd,
  link,
  lstat,
  mkdir,
  open,
  openat,
  readTextFile,
  readlink,
  rename,
  rmdir,
  stat,
  statfs,
  symlink,
  timespec,
  truncate,
  umask,
  unlink,
  utimensat,
  AT_FDCWD,
  pwrite,
  writeFile,
  writeTextFile,
} from "karyon";
import { check, checkError } from "./check";

function contentChecks(): void {
  check("writeTextFile", writeTextFile("/tmp/a", "some text\n"));
  const fd = open("/tmp/a", O_WRONLY | O_APPEND);
  check("fputs to a file", fputs("and more\n", fd) == 0 && fsync(fd) == 0 && close(fd) == 0);
  check("readTextFile", readTextFile("/tmp/a") == "some text\nand more\n");
  const both = open("/tmp/new", O_CREAT | O_RDWR, 0x180);
  const bytes = new Uint8Array(3);
  bytes.fill(0x78);
  check("pwrite", pwrite(both, bytes.dataStart, 3, 2) == 3);
  check("a hole before it", readTextFile("/tmp/new") == "\0\0xxx");
  check("ftruncate", ftruncate(both, 3) == 0 && truncate("/tmp/new", 4) == 0);
  const status = new Stat();
  check("what is known", fstat(both, status) == 0 && status.st_size == 4 && S_ISREG(status.st_mode));
  check("its mode and links", (status.st_mode & 0x1ff) == 0x180 && status.st_nlink == 1 && status.st_blocks == 8);
  check("creat empties", close(creat("/tmp/new", 0x1ff)) == 0 && stat("/tmp/new", status) == 0 && status.st_size == 0);
  check("writeFile", writeFile("/tmp/new", bytes) && readTextFile("/tmp/new") == "xxx");
  check("writeFile in the image", !writeFile("/hello.txt", bytes));
  close(both);
}

function nameChecks(): void {
  const status = new Stat();
  check("mkdir", mkdir("/tmp/d") == 0 && stat("/tmp/d", status) == 0 && S_ISDIR(status.st_mode));
  checkError("mkdir twice", mkdir("/tmp/d"), EEXIST);
  checkError("mkdir in the image", mkdir("/docs/new"), EROFS);
  check("rename", rename("/tmp/a", "/tmp/d/b") == 0 && access("/tmp/d/b", F_OK) == 0);
  checkError("what was renamed is gone", access("/tmp/a", F_OK), ENOENT);
  checkError("rename into the image", rename("/tmp/d/b", "/docs/b"), EXDEV);
  check("link", link("/tmp/d/b", "/tmp/c") == 0 && stat("/tmp/c", status) == 0 && status.st_nlink == 2);
  check("symlink", symlink("d/b", "/tmp/s") == 0 && readlink("/tmp/s") == "d/b");
  check("through it", readTextFile("/tmp/s") == "some text\nand more\n");
  check("lstat", lstat("/tmp/s", status) == 0 && S_ISLNK(status.st_mode) && status.st_size == 3);
  check("readlink of a file", readlink("/tmp/c") === null);
  checkError("rmdir what is not empty", rmdir("/tmp/d"), ENOTEMPTY);
  const directory = open("/tmp/d", O_RDONLY | O_DIRECTORY);
  check("chdir and getcwd", chdir("/tmp/d/..") == 0 && getcwd() == "/tmp");
  check("fchdir", fchdir(directory) == 0 && getcwd() == "/tmp/d");
  check("a relative path", access("b", F_OK) == 0 && close(openat(directory, "../c")) == 0);
  check("unlink", unlink("b") == 0 && chdir("/") == 0 && rmdir("/tmp/d") == 0);
  checkError("a link to nothing", open("/tmp/s"), ENOENT);
  check("the other name", readTextFile("/tmp/c") == "some text\nand more\n");
  close(directory);
}

function attributeChecks(): void {
  const status = new Stat();
  check("umask", umask(0x3f) == 0x12 && umask(0x12) == 0x3f);
  check("chmod", chmod("/tmp/c", 0x1ed) == 0 && stat("/tmp/c", status) == 0 && (status.st_mode & 0x1ff) == 0x1ed);
  const early = new timespec();
  early.tv_sec = 5;
  early.tv_nsec = 7;
  const late = new timespec();
  late.tv_sec = 9;
  check("utimensat", utimensat(AT_FDCWD, "/tmp/c", early, late) == 0 && stat("/tmp/c", status) == 0);
  check("the times", status.st_atime == 5 && status.st_atime_nsec == 7 && status.st_mtime == 9);
  const fd = open("/tmp/c");
  check("futimens", futimens(fd, null, null) == 0 && fstat(fd, status) == 0 && status.st_mtime > 1_500_000_000);
  checkError("ftruncate what is open for reading", ftruncate(fd, 0), EINVAL);
  const system = new Statfs();
  check("statfs", statfs("/tmp", system) == 0 && system.f_type == TMPFS_MAGIC && system.f_bfree < system.f_blocks);
  check("fstatfs", fstatfs(fd, system) == 0 && system.f_type == TMPFS_MAGIC && system.f_files > 3);
  close(fd);
}

/** Checks of files in memory. */
export function tmpfsChecks(): void {
  contentChecks();
  nameChecks();
  attributeChecks();
}
