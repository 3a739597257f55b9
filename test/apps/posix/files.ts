// The embedded tree: lookups, reading, listing, what is known of a file.
import {
  DT_DIR,
  EBADF,
  EISDIR,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  EINVAL,
  EROFS,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
  S_ISCHR,
  S_ISDIR,
  S_ISREG,
  Stat,
  close,
  closedir,
  fstat,
  lseek,
  open,
  opendir,
  pread,
  read,
  readFile,
  readTextFile,
  readdir,
  stat,
  write,
} from "karyon";
import { check, checkError } from "./check";

const HELLO = "Hello, file.\n";

function lookupChecks(): void {
  const status = new Stat();
  check("stat a file", stat("/hello.txt", status) == 0 && S_ISREG(status.st_mode) && status.st_size == HELLO.length);
  check("st_mtime and st_hash", status.st_mtime > 1_500_000_000 && status.st_hash_low != 0);
  const inode = status.st_ino;
  check("dots and slashes", stat("docs//../././hello.txt", status) == 0 && status.st_ino == inode);
  check("above the root is the root", stat("/../../hello.txt", status) == 0 && status.st_ino == inode);
  check("stat a directory", stat("/docs", status) == 0 && S_ISDIR(status.st_mode) && status.st_hash_low == 0);
  check("a slash at a directory's end", stat("/docs/deep/", status) == 0 && S_ISDIR(status.st_mode));
  check("stat the root", stat("/", status) == 0 && S_ISDIR(status.st_mode));
  checkError("stat the beginning of a name", stat("/doc", status), ENOENT);
  checkError("stat nothing", stat("", status), ENOENT);
  checkError("out of what is not there", stat("/none/../hello.txt", status), ENOENT);
  checkError("through a file", stat("/hello.txt/x", status), ENOTDIR);
  checkError("a slash at a file's end", stat("/hello.txt/", status), ENOTDIR);
  checkError("a long name", stat("/" + "x".repeat(256), status), ENAMETOOLONG);
  checkError("a long path", stat("/a".repeat(2100), status), ENAMETOOLONG);
}

function openChecks(): void {
  checkError("open for writing", open("/hello.txt", O_WRONLY), EROFS);
  checkError("open for both", open("/hello.txt", O_RDWR), EROFS);
  checkError("open a directory for writing", open("/docs", O_RDWR), EISDIR);
  checkError("create", open("/new", O_WRONLY | O_CREAT), EROFS);
  checkError("open a file as directory", open("/hello.txt", O_RDONLY | O_DIRECTORY), ENOTDIR);
  checkError("open what is not there", open("/none"), ENOENT);
}

function readChecks(): void {
  const fd = open("/hello.txt");
  const buffer = new Uint8Array(32);
  check("read", read(fd, buffer.dataStart, 5) == 5 && String.UTF8.decodeUnsafe(buffer.dataStart, 5) == "Hello");
  check("read goes on", read(fd, buffer.dataStart, 32) == 8 && buffer[0] == 0x2c);
  check("read at the end", read(fd, buffer.dataStart, 32) == 0);
  check("pread", pread(fd, buffer.dataStart, 4, 7) == 4 && String.UTF8.decodeUnsafe(buffer.dataStart, 4) == "file");
  check("pread behind the end", pread(fd, buffer.dataStart, 4, 1 << 40) == 0);
  checkError("pread before the start", pread(fd, buffer.dataStart, 4, -1), EINVAL);
  check("lseek", lseek(fd, 7, SEEK_SET) == 7 && lseek(fd, -2, SEEK_CUR) == 5 && lseek(fd, -1, SEEK_END) == 12);
  checkError("lseek before the start", lseek(fd, -6, SEEK_SET), EINVAL);
  checkError("lseek over the top", lseek(fd, i64.MAX_VALUE, SEEK_END), EINVAL);
  const status = new Stat();
  check("fstat", fstat(fd, status) == 0 && status.st_size == HELLO.length && close(fd) == 0);
  check("readTextFile", readTextFile("/hello.txt") == HELLO);
  const empty = readFile("/empty");
  check("an empty file", empty !== null && empty.length == 0);
}

function deviceChecks(): void {
  const buffer = new Uint8Array(8);
  const at = buffer.dataStart;
  const status = new Stat();
  check("stat /dev/null", stat("/dev/null", status) == 0 && S_ISCHR(status.st_mode));
  const sink = open("dev/null", O_RDWR);
  check("/dev/null takes everything", write(sink, at, 8) == 8 && write(sink, at, 0) == 0);
  check("/dev/null gives nothing", read(sink, at, 8) == 0 && pread(sink, at, 8, 5) == 0);
  check("fstat /dev/null", fstat(sink, status) == 0 && S_ISCHR(status.st_mode) && close(sink) == 0);
  buffer.fill(7);
  const zeros = open("/dev/zero", O_RDONLY);
  check("/dev/zero gives zeros", read(zeros, at, 4) == 4 && load<u64>(at) == 0x0707_0707_0000_0000);
  check(
    "a position means nothing",
    lseek(zeros, 9, SEEK_SET) == 0 && pread(zeros, at, 8, 9) == 8 && load<u64>(at) == 0,
  );
  checkError("write what is open for reading", write(zeros, at, 1), EBADF);
  check("close /dev/zero", close(zeros) == 0);
  const writing = open("/dev/zero", O_WRONLY | O_CREAT);
  checkError("read what is open for writing", read(writing, at, 1), EBADF);
  check("write /dev/zero", write(writing, at, 8) == 8 && close(writing) == 0);
  checkError("a device is no directory", open("/dev/null", O_DIRECTORY), ENOTDIR);
  checkError("through a device", stat("/dev/zero/x", status), ENOTDIR);
  checkError("there are no others", open("/dev/none"), ENOENT);
}

function listChecks(): void {
  const names: string[] = [];
  const root = opendir("/");
  if (root !== null) {
    for (let entry = readdir(root); entry !== null; entry = readdir(root)) {
      names.push(entry.d_type == DT_DIR ? entry.d_name + "/" : entry.d_name);
    }
    closedir(root);
  }
  check("list the root", names.join(" ") == "docs-b docs/ empty hello.txt dev/ tmp/");
  const below: string[] = [];
  const docs = opendir("/docs");
  if (docs !== null) {
    for (let entry = readdir(docs); entry !== null; entry = readdir(docs)) below.push(entry.d_name);
    closedir(docs);
  }
  check("list a directory", below.join(" ") == "a.html deep ünï.txt");
  check("opendir of a file", opendir("/hello.txt") === null);
  const fd = open("/docs");
  checkError("read a directory", read(fd, changetype<usize>(new ArrayBuffer(8)), 8), EISDIR);
  close(fd);
}

export function fileChecks(): void {
  lookupChecks();
  openChecks();
  readChecks();
  deviceChecks();
  listChecks();
}
