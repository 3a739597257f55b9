// What libos/api makes of files' owners, times, room and file systems out of few system calls.
import {
  EBADF,
  EFBIG,
  EINVAL,
  ENODEV,
  ENOENT,
  EROFS,
  ESPIPE,
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  ST_RDONLY,
  Stat,
  Statvfs,
  chown,
  close,
  errno,
  fchown,
  fchownat,
  fstat,
  fstatvfs,
  futimes,
  lchown,
  lstat,
  lutimes,
  open,
  pipe,
  posix_fallocate,
  pread,
  puts,
  pwrite,
  stat,
  statvfs,
  strerror,
  symlink,
  sync,
  syncfs,
  timeval,
  utimbuf,
  utime,
  utimes,
  writeTextFile,
} from "karyon";

const FILE = "/tmp/file";
const LINK = "/tmp/link";
const KEPT: u32 = u32.MAX_VALUE;
const status = new Stat();
const byte = memory.data(1);
let failures = 0;

function check(what: string, holds: bool): void {
  if (!holds) failures++;
  puts(holds ? `ok ${what}` : `FAILED ${what} (errno ${errno}: ${strerror(errno)})`);
}

function refused(what: string, result: i32, number: i32): void {
  check(`${what}: ${strerror(number)}`, result == -1 && errno == number);
}

function isOf(path: string, user: u32, group: u32): bool {
  return lstat(path, status) == 0 && status.st_uid == user && status.st_gid == group;
}

function owners(fd: i32): void {
  check("chown", chown(FILE, 1, 2) == 0 && isOf(FILE, 1, 2));
  check("fchown", fchown(fd, KEPT, 3) == 0 && isOf(FILE, 1, 3));
  check("lchown", lchown(LINK, 4, 5) == 0 && isOf(LINK, 4, 5) && isOf(FILE, 1, 3));
  const directory = open("/tmp", O_RDONLY);
  check("fchownat", fchownat(directory, "link", 6, KEPT) == 0 && isOf(FILE, 6, 3));
  close(directory);
  refused("chown of nothing", chown("/tmp/none", 1, 1), ENOENT);
  refused("chown of what is embedded", chown("/", 1, 1), EROFS);
  refused("fchown of nothing", fchown(99, 1, 1), EBADF);
}

function isAt(path: string, access: i64, modification: i64, nanoseconds: i64): bool {
  return (
    lstat(path, status) == 0 &&
    status.st_atime == access &&
    status.st_mtime == modification &&
    status.st_mtime_nsec == nanoseconds
  );
}

function times(fd: i32): void {
  check("utime", utime(FILE, new utimbuf(10, 20)) == 0 && isAt(FILE, 10, 20, 0));
  check("utimes", utimes(FILE, new timeval(30, 1), new timeval(40, 2)) == 0 && isAt(FILE, 30, 40, 2000));
  check("futimes", futimes(fd, new timeval(50), new timeval(60, 999_999)) == 0 && isAt(FILE, 50, 60, 999_999_000));
  check("lutimes", lutimes(LINK, new timeval(70), new timeval(80)) == 0 && isAt(LINK, 70, 80, 0));
  check("not of the file", isAt(FILE, 50, 60, 999_999_000));
  check("utime now", utime(FILE) == 0 && stat(FILE, status) == 0 && status.st_mtime > 1000);
  check("futimes now", futimes(fd) == 0);
  refused("too many microseconds", utimes(FILE, new timeval(1, 1_000_000), new timeval()), EINVAL);
  refused("too few", futimes(fd, new timeval(), new timeval(1, -1)), EINVAL);
  refused("utime of nothing", utime("/tmp/none"), ENOENT);
  refused("futimes of nothing", futimes(99), EBADF);
}

function room(fd: i32): void {
  store<u8>(byte, 0x61);
  check("a byte", pwrite(fd, byte, 1, 5000) == 1);
  check("posix_fallocate", posix_fallocate(fd, 100, 20_000) == 0);
  check("makes the file larger", fstat(fd, status) == 0 && status.st_size == 20_100);
  check("and has room for it", status.st_blocks * 512 >= 20_000);
  check("what was there stays", pread(fd, byte, 1, 5000) == 1 && load<u8>(byte) == 0x61);
  check("what was not is zero", pread(fd, byte, 1, 5001) == 1 && load<u8>(byte) == 0);
  check("less changes nothing", posix_fallocate(fd, 0, 10) == 0 && fstat(fd, status) == 0 && status.st_size == 20_100);
  check(
    "one byte behind the end",
    posix_fallocate(fd, 20_480, 1) == 0 && fstat(fd, status) == 0 && status.st_size == 20_481,
  );
  check("no length", posix_fallocate(fd, 0, 0) == EINVAL && posix_fallocate(fd, -1, 5) == EINVAL);
  check("too much", posix_fallocate(fd, i64.MAX_VALUE, 1) == EFBIG);
  check("no descriptor", posix_fallocate(99, 0, 1) == EBADF);
  const readOnly = open(FILE, O_RDONLY);
  const appending = open(FILE, O_WRONLY | O_APPEND);
  check("not to be written", posix_fallocate(readOnly, 0, 1) == EBADF && posix_fallocate(appending, 0, 1) == EBADF);
  close(readOnly);
  close(appending);
  const ends: StaticArray<i32> = [-1, -1];
  pipe(ends);
  check("a pipe", posix_fallocate(ends[1], 0, 1) == ESPIPE);
  refused("syncfs of a pipe", syncfs(ends[0]), EINVAL);
  const device = open("/dev/null", O_RDWR);
  check("a device", posix_fallocate(device, 0, 1) == ENODEV);
}

function systems(fd: i32): void {
  const told = new Statvfs();
  check("statvfs", statvfs("/tmp", told) == 0 && told.f_frsize == 4096 && told.f_namemax == 255 && told.f_flag == 0);
  check("has room", told.f_blocks > 0 && told.f_bavail > 0 && told.f_bavail <= told.f_blocks && told.f_favail > 0);
  check("fstatvfs", fstatvfs(fd, told) == 0 && told.f_blocks > 0);
  check("of what is embedded", statvfs("/", told) == 0 && told.f_flag == <u64>ST_RDONLY);
  refused("statvfs of nothing", statvfs("/none", told), ENOENT);
  refused("fstatvfs of nothing", fstatvfs(99, told), EBADF);
  sync();
  check("syncfs", syncfs(fd) == 0);
  refused("syncfs of nothing", syncfs(99), EBADF);
}

export function main(_arguments: string[]): i32 {
  writeTextFile(FILE, "text");
  symlink("file", LINK);
  const fd = open(FILE, O_RDWR | O_CREAT);
  owners(fd);
  times(fd);
  room(fd);
  systems(fd);
  puts(`${failures} failures`);
  return failures == 0 ? 0 : 1;
}
