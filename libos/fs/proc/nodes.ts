// /proc as a tree of names (proc(5)): which there are, what they are and where. A node is one of the numbers below, or that of a
// descriptor's link. There is one process in it: this one.
import { TextBuffer, textBuffer, textBytes } from "../../../kernel/text";
import { S_IFDIR, S_IFLNK, S_IFREG } from "../../posix/constants";
import { processId } from "../../process/identity";
import {
  NET_DEV,
  NET_FILES,
  NET_ROUTE,
  NET_TCP,
  NET_TCP6,
  NET_UDP,
  netFilesThere,
} from "../../optional/with_network_proc";
import { descriptorNamed, descriptorsList } from "../devices";
import { ListedName } from "../listing";

// Directories.
export const PROC_ROOT: u32 = 1;
export const PROC_PROCESS: u32 = 2;
const SYS: u32 = 3;
const SYS_KERNEL: u32 = 4;
const SYS_RANDOM: u32 = 5;
export const PROC_FD: u32 = 6;
/** Of images with a network. */
const NET: u32 = 7;
const LAST_DIRECTORY: u32 = 7;
// Links.
export const PROC_SELF: u32 = 8;
export const PROC_CWD: u32 = 9;
export const PROC_ROOT_LINK: u32 = 10;
/** To the directory of the process. */
export const PROC_NET_LINK: u32 = 11;
const LAST_LINK: u32 = 11;
// Files.
export const PROC_CPUINFO: u32 = 12;
export const PROC_LOADAVG: u32 = 13;
export const PROC_MEMINFO: u32 = 14;
export const PROC_STAT: u32 = 15;
export const PROC_UPTIME: u32 = 16;
export const PROC_VERSION: u32 = 17;
export const PROC_MOUNTS: u32 = 18;
export const PROC_FILESYSTEMS: u32 = 19;
export const PROC_KERNEL_COMMAND_LINE: u32 = 20;
const LAST_OF_ROOT: u32 = 20;
export const PROC_PROCESS_STATUS: u32 = 21;
export const PROC_PROCESS_STAT: u32 = 22;
export const PROC_PROCESS_STATM: u32 = 23;
export const PROC_PROCESS_MAPS: u32 = 24;
export const PROC_PROCESS_COMMAND_LINE: u32 = 25;
export const PROC_PROCESS_ENVIRONMENT: u32 = 26;
export const PROC_PROCESS_COMM: u32 = 27;
export const PROC_PROCESS_MOUNTS: u32 = 28;
const LAST_OF_PROCESS: u32 = 28;
export const PROC_HOSTNAME: u32 = 29;
export const PROC_OSTYPE: u32 = 30;
export const PROC_OSRELEASE: u32 = 31;
export const PROC_KERNEL_VERSION: u32 = 32;
const LAST_OF_KERNEL: u32 = 32;
export const PROC_UUID: u32 = 33;
export const PROC_BOOT_ID: u32 = 34;
/** Those of the network begin here, in the order of NET_…. */
export const PROC_NET_FILES: u32 = 35;
const NODES: u32 = PROC_NET_FILES + NET_FILES;

/** Links to descriptors begin here. */
const DESCRIPTORS: u32 = 0x1000;

const nameBytes = memory.data(16, 8);
const number = changetype<TextBuffer>(memory.data(16, 8));

function nameOf(node: u32): string {
  switch (node) {
    case SYS:
      return "sys";
    case SYS_KERNEL:
      return "kernel";
    case SYS_RANDOM:
      return "random";
    case PROC_FD:
      return "fd";
    case NET:
    case PROC_NET_LINK:
      return "net";
    case PROC_SELF:
      return "self";
    case PROC_CWD:
      return "cwd";
    case PROC_ROOT_LINK:
      return "root";
    case PROC_CPUINFO:
      return "cpuinfo";
    case PROC_LOADAVG:
      return "loadavg";
    case PROC_MEMINFO:
      return "meminfo";
    case PROC_STAT:
    case PROC_PROCESS_STAT:
      return "stat";
    case PROC_UPTIME:
      return "uptime";
    case PROC_VERSION:
    case PROC_KERNEL_VERSION:
      return "version";
    case PROC_MOUNTS:
    case PROC_PROCESS_MOUNTS:
      return "mounts";
    case PROC_FILESYSTEMS:
      return "filesystems";
    case PROC_KERNEL_COMMAND_LINE:
    case PROC_PROCESS_COMMAND_LINE:
      return "cmdline";
    case PROC_PROCESS_STATUS:
      return "status";
    case PROC_PROCESS_STATM:
      return "statm";
    case PROC_PROCESS_MAPS:
      return "maps";
    case PROC_PROCESS_ENVIRONMENT:
      return "environ";
    case PROC_PROCESS_COMM:
      return "comm";
    case PROC_HOSTNAME:
      return "hostname";
    case PROC_OSTYPE:
      return "ostype";
    case PROC_OSRELEASE:
      return "osrelease";
    case PROC_UUID:
      return "uuid";
    case PROC_BOOT_ID:
      return "boot_id";
    default:
      return netName(node - PROC_NET_FILES);
  }
}

function netName(file: u32): string {
  switch (file) {
    case NET_DEV:
      return "dev";
    case NET_ROUTE:
      return "route";
    case NET_TCP:
      return "tcp";
    case NET_TCP6:
      return "tcp6";
    case NET_UDP:
      return "udp";
    default:
      return "udp6";
  }
}

/** Whether this image has the node. */
function isThere(node: u32): bool {
  return (node != NET && node != PROC_NET_LINK && node < PROC_NET_FILES) || netFilesThere();
}

/** Puts the name of a node, which is no descriptor's, at `nameBytes`; its length. */
function nameLength(node: u32): u32 {
  if (node != PROC_PROCESS) return textBytes(nameOf(node), nameBytes);
  return textBuffer(number, nameBytes, 16).decimal(processId()).length;
}

/** The directory that `node` is in. */
export function procParent(node: u32): u32 {
  if (node >= DESCRIPTORS) return PROC_FD;
  if (node >= PROC_NET_FILES) return NET;
  if (node == PROC_FD || node == NET || node == PROC_CWD || node == PROC_ROOT_LINK) return PROC_PROCESS;
  if (node == SYS_KERNEL) return SYS;
  if (node == SYS_RANDOM) return SYS_KERNEL;
  if (node <= LAST_OF_ROOT) return PROC_ROOT;
  if (node <= LAST_OF_PROCESS) return PROC_PROCESS;
  return node <= LAST_OF_KERNEL ? SYS_KERNEL : SYS_RANDOM;
}

/** S_IF… of a node. */
export function procType(node: u32): u32 {
  if (node <= LAST_DIRECTORY) return S_IFDIR;
  return node <= LAST_LINK || node >= DESCRIPTORS ? S_IFLNK : S_IFREG;
}

/** The descriptor that a link leads to, one more; 0 for none. */
export function procDescriptor(node: u32): u32 {
  return node < DESCRIPTORS ? 0 : node - DESCRIPTORS + 1;
}

/** The node of a name in `directory`; 0 for none. */
export function procLookup(directory: u32, name: usize, length: u32): u32 {
  if (directory == PROC_FD) {
    const fd = descriptorNamed(name, length);
    return fd < 0 ? 0 : DESCRIPTORS + fd;
  }
  for (let node = PROC_PROCESS; node < NODES; node++) {
    if (procParent(node) != directory || !isThere(node)) continue;
    if (nameLength(node) == length && memory.compare(nameBytes, name, length) == 0) return node;
  }
  return 0;
}

/** Fills `listed` with the name of `directory` at the position in `listed.next`; false at the end. */
export function procList(directory: u32, listed: ListedName): bool {
  if (directory == PROC_FD) {
    if (!descriptorsList(listed.next, listed)) return false;
    listed.node = DESCRIPTORS + listed.next - 1;
    listed.type = S_IFLNK;
    return true;
  }
  for (let node = max(<u32>listed.next, PROC_PROCESS); node < NODES; node++) {
    if (procParent(node) != directory || !isThere(node)) continue;
    listed.length = nameLength(node);
    listed.name = nameBytes;
    listed.node = node;
    listed.type = procType(node);
    listed.next = <u64>node + 1;
    return true;
  }
  return false;
}
