// Files and links of /proc: their texts, which are made when they are read from the beginning, as many pages as one takes. A text is a
// block of pages with its length and order before it.
import { ENOMEM } from "../../../kernel/errno";
import { PAGE_SIZE, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { TextBuffer, textBuffer } from "../../../kernel/text";
import { wallClockNow } from "../../../kernel/time/clock";
import { PATH_MAX, S_IFDIR, S_IFLNK, releaseText } from "../../posix/constants";
import { FileStatus } from "../../posix/layout";
import { descriptorFile } from "../../process/descriptors";
import { processId } from "../../process/identity";
import { KIND_CONSOLE, openFileIsPipe, openFileIsSocket } from "../../process/open_file";
import { netFileWrite } from "../../optional/with_network_proc";
import { FS_PROC, Mount, mountAdd, mountAt, mountCover } from "../mounts";
import { placePath } from "../place_path";
import { rootLookup } from "../root";
import { workingDirectory, workingDirectoryMount } from "../working_directory";
import {
  PROC_BOOT_ID,
  PROC_CPUINFO,
  PROC_CWD,
  PROC_FILESYSTEMS,
  PROC_HOSTNAME,
  PROC_KERNEL_COMMAND_LINE,
  PROC_KERNEL_VERSION,
  PROC_LOADAVG,
  PROC_MEMINFO,
  PROC_MOUNTS,
  PROC_NET_FILES,
  PROC_NET_LINK,
  PROC_OSRELEASE,
  PROC_OSTYPE,
  PROC_PROCESS_COMM,
  PROC_PROCESS_COMMAND_LINE,
  PROC_PROCESS_ENVIRONMENT,
  PROC_PROCESS_MAPS,
  PROC_PROCESS_MOUNTS,
  PROC_PROCESS_STAT,
  PROC_PROCESS_STATM,
  PROC_PROCESS_STATUS,
  PROC_ROOT,
  PROC_SELF,
  PROC_STAT,
  PROC_UPTIME,
  PROC_UUID,
  PROC_VERSION,
  procDescriptor,
  procType,
} from "./nodes";
import { writeCommandLine, writeEnviron, writeMaps, writeProcessStat, writeStatm, writeStatus } from "./process";
import {
  writeCpuinfo,
  writeFilesystems,
  writeHostname,
  writeKernelCommandLine,
  writeLoadavg,
  writeMeminfo,
  writeMounts,
  writeStat,
  writeUptime,
  writeUuid,
  writeVersion,
} from "./system";

const NANOSECONDS: u64 = 1_000_000_000;
/** Bytes before a text. */
const HEADER: u32 = 8;
const LARGEST_ORDER: u32 = 8;
const PERMISSIONS_FILE: u32 = 0x124; // r--r--r--
const PERMISSIONS_DIRECTORY: u32 = 0x16d; // r-xr-xr-x
const PERMISSIONS_LINK: u32 = 0x1ff;

const procPath = memory.data(8, 8);
const linkText = memory.data(4096, 8); // PATH_MAX bytes
const out = changetype<TextBuffer>(memory.data(16, 8));

/** Mounts it at /proc. */
export function procStart(): void {
  store<u32>(procPath, 0x6f72702f); // "/pro"
  store<u8>(procPath + 4, 0x63);
  const index = mountAdd(FS_PROC, procPath, 5);
  const mount = mountAt(index);
  mount.root = PROC_ROOT;
  const above = mountAt(0);
  mountCover(mount, above, rootLookup(above.root, procPath + 1, 4));
}

/** Writes the text of a file. */
function write(node: u32): void {
  switch (node) {
    case PROC_CPUINFO:
      return writeCpuinfo(out);
    case PROC_LOADAVG:
      return writeLoadavg(out);
    case PROC_MEMINFO:
      return writeMeminfo(out);
    case PROC_STAT:
      return writeStat(out);
    case PROC_UPTIME:
      return writeUptime(out);
    case PROC_VERSION:
      return writeVersion(out);
    case PROC_MOUNTS:
    case PROC_PROCESS_MOUNTS:
      return writeMounts(out);
    case PROC_FILESYSTEMS:
      return writeFilesystems(out);
    case PROC_KERNEL_COMMAND_LINE:
      return writeKernelCommandLine(out);
    case PROC_PROCESS_STATUS:
      return writeStatus(out);
    case PROC_PROCESS_STAT:
      return writeProcessStat(out);
    case PROC_PROCESS_STATM:
      return writeStatm(out);
    case PROC_PROCESS_MAPS:
      return writeMaps(out);
    case PROC_PROCESS_COMMAND_LINE:
      return writeCommandLine(out);
    case PROC_PROCESS_ENVIRONMENT:
      return writeEnviron(out);
    case PROC_HOSTNAME:
      return writeHostname(out);
    case PROC_UUID:
      return writeUuid(out, false);
    case PROC_BOOT_ID:
      return writeUuid(out, true);
    default:
      if (node >= PROC_NET_FILES) netFileWrite(node - PROC_NET_FILES, out);
      else writeLine(node);
  }
}

/** The files of one short line. */
function writeLine(node: u32): void {
  if (node == PROC_PROCESS_COMM) out.text("app\n");
  else if (node == PROC_OSTYPE) out.text("Karyon\n");
  else if (node == PROC_OSRELEASE) out.text(releaseText()).byte(0x0a);
  else if (node == PROC_KERNEL_VERSION) out.text("#1\n");
}

/** Makes the text of file `node`; 0 without memory. */
function make(node: u32): usize {
  for (let order: u32 = 0; order <= LARGEST_ORDER; order++) {
    const block = pagesAlloc(order);
    if (block == 0) return 0;
    textBuffer(out, block + HEADER, (PAGE_SIZE << order) - HEADER);
    write(node);
    if (!out.truncated) {
      store<u32>(block, out.length);
      store<u32>(block, order, 4);
      return block;
    }
    pagesFree(block, order);
  }
  return 0;
}

/** Copies up to `count` bytes of the text at `textAt` of file `node` from `offset`: how many, -ENOMEM. */
export function procRead(node: u32, textAt: usize, target: usize, count: u32, offset: u64): i32 {
  if (offset == 0 || load<usize>(textAt) == 0) {
    if (load<usize>(textAt) != 0) procClose(load<usize>(textAt));
    store<usize>(textAt, make(node));
    if (load<usize>(textAt) == 0) return -ENOMEM;
  }
  const text = load<usize>(textAt);
  const length = load<u32>(text);
  if (offset >= length) return 0;
  const taken = min(count, length - <u32>offset);
  memory.copy(target, text + HEADER + <usize>offset, taken);
  return taken;
}

/** Frees a text. */
export function procClose(text: usize): void {
  pagesFree(text, load<u32>(text, 4));
}

/** Writes what a descriptor refers to: a path, or what Linux says of what has none. */
function writeTarget(fd: i32): void {
  const file = descriptorFile(fd);
  if (file.mount != 0) {
    const length = placePath(changetype<Mount>(file.mount), file.node, linkText, PATH_MAX);
    if (length > 0) out.length = length;
    else out.text("(deleted)");
    return;
  }
  if (file.kind == KIND_CONSOLE) out.text("/dev/console");
  else {
    out.text(openFileIsPipe(file) ? "pipe:[" : openFileIsSocket(file) ? "socket:[" : "anon_inode:[");
    out.decimal(changetype<usize>(file)).byte(0x5d);
  }
}

/** Where the text of link `node` is, which is good until the next is asked for; its length, u32, goes to `length`. */
export function procLink(node: u32, length: usize): usize {
  textBuffer(out, linkText, PATH_MAX);
  const fd = procDescriptor(node);
  if (fd != 0) writeTarget(<i32>fd - 1);
  else if (node == PROC_SELF) out.decimal(processId());
  else if (node == PROC_NET_LINK) out.text("self/net");
  else if (node == PROC_CWD) {
    const taken = placePath(workingDirectoryMount(), workingDirectory(), linkText, PATH_MAX);
    if (taken > 0) out.length = taken;
    else out.text("(deleted)");
  } else out.text("/");
  store<u32>(length, out.length);
  return linkText;
}

/** Fills `status`, which is zero. */
export function procStatus(node: u32, status: FileStatus): void {
  const type = procType(node);
  status.inode = node;
  status.links = type == S_IFDIR ? 2 : 1;
  status.mode =
    type | (type == S_IFDIR ? PERMISSIONS_DIRECTORY : type == S_IFLNK ? PERMISSIONS_LINK : PERMISSIONS_FILE);
  const now = <i64>(wallClockNow() / NANOSECONDS);
  status.accessSeconds = now;
  status.modifiedSeconds = now;
  status.changeSeconds = now;
}
