// Directories: what is in them, making and removing whole branches.
import { EEXIST, EISDIR } from "../../../../kernel/errno";
import { DT_DIR } from "../../../posix/constants";
import { closedir, dirent, opendir, readdir as nextEntry } from "../../dirent";
import { errno, setErrno } from "../../errno";
import { rmdir, unlink } from "../../names";
import { mkdir as cMkdir } from "../../stat";
import { isDirectory } from "./status";

/** The entries of directory `path`, without "." and ".."; null on error (ENOENT, ENOTDIR …). */
export function scandir(path: string): dirent[] | null {
  const directory = opendir(path);
  if (directory === null) return null;
  const before = errno;
  setErrno(0);
  const entries: dirent[] = [];
  for (let entry = nextEntry(directory); entry !== null; entry = nextEntry(directory)) entries.push(entry);
  const failure = errno;
  closedir(directory);
  setErrno(failure == 0 ? before : failure);
  return failure == 0 ? entries : null;
}

/** The names in directory `path`, without "." and ".."; null on error (ENOENT, ENOTDIR …). */
export function readdir(path: string): string[] | null {
  const entries = scandir(path);
  return entries === null ? null : entries.map<string>((entry) => entry.d_name);
}

/**
 * Makes directory `path`, with `parents` also those that it is in; then it is no error if it is there already. False on error (EEXIST, ENOENT, ENOTDIR,
 * ENOSPC, EROFS …).
 */
export function mkdir(path: string, parents: bool = false): bool {
  if (!parents) return cMkdir(path) == 0;
  const before = errno;
  for (let end = path.indexOf("/", 1); end >= 0; end = path.indexOf("/", end + 1)) {
    if (cMkdir(path.substring(0, end)) < 0 && errno != EEXIST) return false;
  }
  if (cMkdir(path) < 0 && (errno != EEXIST || !isDirectory(path))) return false;
  setErrno(before);
  return true;
}

/** Removes what is in directory `path` and is none itself. Returns the path of a directory that is left in it, "" without one, null on error. */
function removeFiles(path: string): string | null {
  const entries = scandir(path);
  if (entries === null) return null;
  let left = "";
  for (let i = 0; i < entries.length; i++) {
    const name = `${path}/${entries[i].d_name}`;
    if (entries[i].d_type == DT_DIR) left = name;
    else if (unlink(name) < 0) return null;
  }
  return left;
}

/** Without recursion: a branch may be as deep as a path is long. */
function removeBranch(path: string): bool {
  const way = [path];
  while (way.length != 0) {
    const left = removeFiles(way[way.length - 1]);
    if (left === null) return false;
    if (left.length != 0) way.push(left);
    else if (rmdir(way.pop()) < 0) return false;
  }
  return true;
}

/**
 * Removes the file, the symbolic link or the empty directory `path`; with `recursive` a directory with all that is in it. Links in it are removed, not what they lead to. False on
 * error (ENOENT, ENOTEMPTY, EBUSY, EROFS …).
 */
export function rm(path: string, recursive: bool = false): bool {
  const before = errno;
  if (unlink(path) == 0) return true;
  if (errno != EISDIR) return false;
  if (!(recursive ? removeBranch(path) : rmdir(path) == 0)) return false;
  setErrno(before);
  return true;
}
