// karyon/fs: what each call makes of files, and what it says when it cannot.
import { EEXIST, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EROFS, errno, setErrno, strerror, symlink } from "karyon";
import {
  appendFile,
  appendTextFile,
  copyFile,
  exists,
  isDirectory,
  isFile,
  lstat,
  mkdir,
  readFile,
  readLines,
  readTextFile,
  readdir,
  rename,
  replaceTextFile,
  rm,
  scandir,
  stat,
  writeFile,
  writeTextFile,
} from "karyon/fs";
import { check } from "./check";

/** Reports whether a call failed with errno `number`. */
function refused(what: string, failed: bool, number: i32): void {
  check(`${what}: ${strerror(number)}`, failed && errno == number);
}

function is(path: string, text: string): bool {
  const read = readTextFile(path);
  return read !== null && read == text;
}

function contentChecks(): void {
  check("writeTextFile, readTextFile", writeTextFile("/tmp/a", "grüße\n") && is("/tmp/a", "grüße\n"));
  check("appendTextFile adds", appendTextFile("/tmp/a", "more\n", true) && is("/tmp/a", "grüße\nmore\n"));
  check("appendTextFile makes", appendTextFile("/tmp/b", "new") && is("/tmp/b", "new"));
  const bytes = new Uint8Array(70_000).fill(0x61);
  check("writeFile of 70 000 bytes", writeFile("/tmp/large", bytes));
  check("appendFile", appendFile("/tmp/large", bytes));
  check("copyFile", copyFile("/tmp/large", "/tmp/copy"));
  const copy = readFile("/tmp/copy");
  check("the copy has all", copy !== null && copy.length == 140_000 && copy[139_999] == 0x61);
  check("replaceTextFile", replaceTextFile("/tmp/a", "other") && is("/tmp/a", "other") && !exists("/tmp/a.new"));
  check("rename", rename("/tmp/a", "/tmp/c") && !exists("/tmp/a") && is("/tmp/c", "other"));
  const lines = readLines("/etc/lines.txt");
  check("readLines", lines !== null && lines.join("|") == "one|two||three");
  check("readLines of one with an end", writeTextFile("/tmp/l", "x\n") && readLines("/tmp/l")!.length == 1);
  refused("readLines of nothing", readLines("/tmp/none") === null, ENOENT);
  refused("readFile of a directory", readFile("/tmp") === null, EISDIR);
  refused("appendTextFile to what is embedded", !appendTextFile("/etc/lines.txt", "x"), EROFS);
  refused("replaceTextFile of a directory", !replaceTextFile("/tmp", "x"), EROFS);
  refused("replaceTextFile nowhere", !replaceTextFile("/tmp/none/x", "x"), ENOENT);
  refused("copyFile of nothing", !copyFile("/tmp/none", "/tmp/d"), ENOENT);
  refused("rename of nothing", !rename("/tmp/none", "/tmp/d"), ENOENT);
}

function statusChecks(): void {
  setErrno(7);
  check("exists", exists("/etc/lines.txt") && !exists("/etc/none"));
  check("isFile", isFile("/etc/lines.txt") && !isFile("/etc") && !isFile("/none"));
  check("isDirectory", isDirectory("/etc") && !isDirectory("/etc/lines.txt") && !isDirectory("/none"));
  check("errno stays", errno == 7);
  const status = stat("/etc/lines.txt");
  check("stat", status !== null && status.st_size == 15);
  refused("stat of nothing", stat("/none") === null, ENOENT);
  check("a link", symlink("/etc/lines.txt", "/tmp/link") == 0 && stat("/tmp/link")!.st_size == 15);
  check("lstat of a link", lstat("/tmp/link")!.st_size == 14);
}

function directoryChecks(): void {
  check("mkdir", mkdir("/tmp/dir"));
  refused("mkdir of what is there", !mkdir("/tmp/dir"), EEXIST);
  refused("mkdir without a parent", !mkdir("/tmp/x/y"), ENOENT);
  setErrno(7);
  check("mkdir with parents", mkdir("/tmp/dir/one/two/three", true) && isDirectory("/tmp/dir/one/two/three"));
  check("and once more", mkdir("/tmp/dir/one/two/three/", true) && errno == 7);
  refused("mkdir below a file", !mkdir("/tmp/c/x", true), ENOTDIR);
  refused("mkdir over a file", !mkdir("/tmp/c", true), EEXIST);
  refused("mkdir where nothing is written", !mkdir("/etc/x/y", true), EROFS);
  for (let i = 0; i < 200; i++) writeTextFile(`/tmp/dir/one/${i}`, "");
  writeTextFile("/tmp/dir/one/two/file", "");
  symlink("/tmp/c", "/tmp/dir/one/link");
  symlink("/etc", "/tmp/dir/one/directory");
  const names = readdir("/tmp/dir/one");
  check("readdir", names !== null && names.length == 203 && names.includes("two") && names.includes("199"));
  const entries = scandir("/tmp/dir");
  check("scandir", entries !== null && entries.length == 1 && entries[0].d_name == "one");
  refused("readdir of a file", readdir("/tmp/c") === null, ENOTDIR);
  refused("readdir of nothing", readdir("/none") === null, ENOENT);
  refused("rm of a directory with something in it", !rm("/tmp/dir"), ENOTEMPTY);
  setErrno(7);
  check("rm of all of it", rm("/tmp/dir", true) && !exists("/tmp/dir") && errno == 7);
  check("what links led to is there", is("/tmp/c", "other") && exists("/etc/lines.txt"));
  check("rm of a file", rm("/tmp/c") && !exists("/tmp/c"));
  check("rm of an empty directory", mkdir("/tmp/empty") && rm("/tmp/empty"));
  refused("rm of nothing", !rm("/tmp/none", true), ENOENT);
  refused("rm of what is embedded", !rm("/etc/lines.txt"), EROFS);
}

/** A branch of 300 directories in one another. */
function deepChecks(): void {
  let path = "/tmp/deep";
  for (let i = 0; i < 300; i++) path += "/d";
  check("a deep branch", mkdir(path, true));
  check("rm of it", rm("/tmp/deep", true) && !exists("/tmp/deep"));
}

export function fileChecks(): void {
  contentChecks();
  statusChecks();
  directoryChecks();
  deepChecks();
}
