// The site: every file embedded in the image, found by name in one hash table. The tree cannot change while the appliance
// runs, so it is walked once at the start; what the answer to a file has in common every time is prepared at its first
// request and kept as far as memory allows.
import { closedir, close, DT_DIR, DT_REG, open, opendir, pread, readdir, S_ISDIR, stat, Stat } from "karyon";
import { SLASH, contentTypeOf } from "karyon/http/message";
import { Validators } from "./http/conditions";
import { allocateStorage } from "./memory_pool";

/**
 * Largest file that is kept in memory and sent together with its header. Others go out by sendfile: a second system call,
 * which costs less than a copy of more bytes.
 */
export const INLINE_LIMIT: u64 = 4 * 1024;
/** Memory for prepared answers; beyond it they are made anew each time. */
const PREPARED_LIMIT: usize = 512 * 1024;
/** Files whose descriptor stays open. */
const OPEN_FILES: u32 = 128;
/** Deepest nesting of directories that is walked. */
const DEPTH_LIMIT: i32 = 32;

/** A file of the site. (Unmanaged: the class it extends gives the first fields.) */
@unmanaged
@final
export class SiteFile extends Validators {
  name: usize;
  nameLength: usize;
  size: u64;
  /** Header section of the full answer, up to and with the empty line; 0 while not prepared. */
  head: usize;
  headLength: usize;
  /** Contents, right behind the head; 0 when they are not in memory. */
  body: usize;
  /** Descriptor that stays open, -1 for none. */
  descriptor: i32;
}

/** A name in the table: of a file, of a directory with an index file ("/a/"), or of one to be redirected ("/a"). */
@unmanaged
@final
export class SiteName {
  next: usize;
  hash: u32;
  length: u32;
  bytes: usize;
  /** The file that answers; null: redirect to the same name with a slash. */
  file: SiteFile | null;
}

const status = new Stat();

let table: usize = 0;
let tableMask: u32 = 0;
let names: usize = 0;
let nameCount: u32 = 0;
let fileCount: u32 = 0;
let preparedBytes: usize = 0;
let openFiles: u32 = 0;
let errorPage: SiteFile | null = null;

/** Walks the tree. Returns 0, or -1 when it does not fit into memory or cannot be read. */
export function loadSite(): i32 {
  const root = keepText("/");
  if (root == 0 || walk("/", DEPTH_LIMIT) < 0) return -1;
  if (buildTable() < 0) return -1;
  const found = findName(keepText("/404.html"), 9);
  if (found !== null) errorPage = found.file;
  return 0;
}

/** Number of files. */
export function siteFileCount(): u32 {
  return fileCount;
}

/** The file that serves as the body of 404 answers, if the site has one. */
export function siteErrorPage(): SiteFile | null {
  return errorPage;
}

/** Walks one directory, whose path ends in "/". */
function walk(path: string, depth: i32): i32 {
  if (depth == 0) return 0;
  const directory = opendir(path);
  if (directory === null) return -1;
  let result = 0;
  for (let entry = readdir(directory); entry !== null && result == 0; entry = readdir(directory)) {
    const name = path + entry.d_name;
    if (entry.d_type == DT_DIR) {
      if (!isOfSite(name)) continue;
      result = addName(keepText(name), String.UTF8.byteLength(name), null);
      if (result == 0) result = walk(name + "/", depth - 1);
    } else if (entry.d_type == DT_REG) {
      result = addFile(path, name, entry.d_name == "index.html");
    }
  }
  closedir(directory);
  return result;
}

/** Whether directory `path` is embedded, as "/" is: not one of devices, or of files in memory. */
function isOfSite(path: string): bool {
  if (stat("/", status) < 0) return false;
  const device = status.st_dev;
  return stat(path, status) == 0 && status.st_dev == device;
}

function addFile(path: string, name: string, isIndex: bool): i32 {
  if (stat(name, status) < 0 || S_ISDIR(status.st_mode)) return -1;
  const file = changetype<SiteFile>(allocateStorage(offsetof<SiteFile>()));
  const bytes = keepText(name);
  if (changetype<usize>(file) == 0 || bytes == 0) return -1;
  file.name = bytes;
  file.nameLength = <usize>String.UTF8.byteLength(name);
  file.size = <u64>status.st_size;
  file.modified = status.st_mtime;
  file.descriptor = -1;
  file.tag = keepText(`"${hexText(status.st_hash_low)}"`);
  file.tagLength = 18;
  if (file.tag == 0) return -1;
  fileCount++;
  if (addName(bytes, <i32>file.nameLength, file) < 0) return -1;
  return isIndex ? addName(keepText(path), String.UTF8.byteLength(path), file) : 0;
}

/** The bytes of `value` in memory order, as sixteen hexadecimal digits. */
function hexText(value: u64): string {
  return bswap<u64>(value).toString(16).padStart(16, "0");
}

/** `text` as UTF-8 in storage, 0 when there is no memory. */
function keepText(text: string): usize {
  const length = String.UTF8.byteLength(text);
  const address = allocateStorage(<usize>length);
  if (address != 0) String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, address);
  return address;
}

/** Chains a name in front of the others; the table is built when all are known. */
function addName(bytes: usize, length: i32, file: SiteFile | null): i32 {
  const name = changetype<SiteName>(allocateStorage(offsetof<SiteName>()));
  if (changetype<usize>(name) == 0 || bytes == 0) return -1;
  name.bytes = bytes;
  name.length = <u32>length;
  name.hash = hashOf(bytes, <u32>length);
  name.file = file;
  name.next = names;
  names = changetype<usize>(name);
  nameCount++;
  return 0;
}

/** Spreads the names over a power of two of chains, one or two names in each. */
function buildTable(): i32 {
  let size: u32 = 16;
  while (size < nameCount) size <<= 1;
  table = allocateStorage(<usize>size * sizeof<usize>());
  if (table == 0) return -1;
  tableMask = size - 1;
  while (names != 0) {
    const name = changetype<SiteName>(names);
    names = name.next;
    const chain = table + <usize>(name.hash & tableMask) * sizeof<usize>();
    name.next = load<usize>(chain);
    store<usize>(chain, changetype<usize>(name));
  }
  return 0;
}

/** FNV-1a. */
function hashOf(bytes: usize, length: u32): u32 {
  let hash: u32 = 0x811c9dc5;
  for (let i: u32 = 0; i < length; i++) hash = (hash ^ load<u8>(bytes + i)) * 0x01000193;
  return hash;
}

/** What the normalised path of `length` bytes at `bytes` names, null when the site has no such thing. */
export function findName(bytes: usize, length: u32): SiteName | null {
  const hash = hashOf(bytes, length);
  let at = load<usize>(table + <usize>(hash & tableMask) * sizeof<usize>());
  while (at != 0) {
    const name = changetype<SiteName>(at);
    if (name.hash == hash && name.length == length && memory.compare(name.bytes, bytes, length) == 0) return name;
    at = name.next;
  }
  return null;
}

/** The file's media type. */
export function fileContentType(file: SiteFile): string {
  return contentTypeOf(file.name, file.name + file.nameLength);
}

/**
 * Keeps the `length` bytes at `head` as the file's prepared header, with the contents behind it when they are small.
 * Does nothing when the memory for that is used up.
 */
export function prepareFile(file: SiteFile, head: usize, length: usize): void {
  const inline = file.size <= INLINE_LIMIT;
  const bytes = length + (inline ? <usize>file.size : 0);
  if (preparedBytes + bytes > PREPARED_LIMIT) return;
  const place = allocateStorage(bytes);
  if (place == 0) return;
  preparedBytes += bytes;
  memory.copy(place, head, length);
  file.headLength = length;
  if (inline && readContents(file, place + length)) file.body = place + length;
  file.head = place;
}

function readContents(file: SiteFile, target: usize): bool {
  if (file.size == 0) return true;
  const descriptor = open(nameText(file));
  if (descriptor < 0) return false;
  const count = pread(descriptor, target, <usize>file.size, 0);
  close(descriptor);
  return count == <i32>file.size;
}

function nameText(file: SiteFile): string {
  return String.UTF8.decodeUnsafe(file.name, file.nameLength);
}

/** A descriptor for reading the file, -1 on error. Give it back with releaseDescriptor. */
export function openDescriptor(file: SiteFile): i32 {
  if (file.descriptor >= 0) return file.descriptor;
  const descriptor = open(nameText(file));
  if (descriptor >= 0 && openFiles < OPEN_FILES) {
    openFiles++;
    file.descriptor = descriptor;
  }
  return descriptor;
}

/** Closes a descriptor from openDescriptor unless it is one that stays open. */
export function releaseDescriptor(file: SiteFile, descriptor: i32): void {
  if (descriptor != file.descriptor) close(descriptor);
}

/** True when the normalised path ends in a slash. */
export function namesDirectory(bytes: usize, length: u32): bool {
  return load<u8>(bytes + length - 1) == SLASH;
}
