// /dev: the devices that need no hardware (null(4), random(4)), the console, and the descriptors of the process as files. A node is
// a device, the directory or that of descriptors, or DESCRIPTORS + a descriptor. Read-only: nothing can be made there.
import { bytesEqualText, parseDecimal, textBytes } from "../../kernel/text";
import { descriptorFile } from "../process/descriptors";
import { KIND_DIRECTORY, KIND_FILE, NO_FILE, OpenFile, openFileIsPipe, openFileIsSocket } from "../process/open_file";
import { OPEN_MAX, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from "../posix/constants";
import { FileStatus } from "../posix/layout";
import { ListedName } from "./listing";

/** Nothing to read, and takes everything. */
export const DEVICE_NULL: u32 = 0;
/** Zero bytes without end, and takes everything. */
export const DEVICE_ZERO: u32 = 1;
/** Zero bytes without end, and never has room. */
export const DEVICE_FULL: u32 = 2;
/** Random bytes; what is written is stirred in. */
export const DEVICE_RANDOM: u32 = 3;
export const DEVICE_URANDOM: u32 = 4;
/** The domain's console. */
export const DEVICE_CONSOLE: u32 = 5;
const DEVICES: u32 = 6;

// Symbolic links to the descriptors 0, 1 and 2.
const LINK_INPUT: u32 = 6;
const LINK_OUTPUT: u32 = 7;
const LINK_ERROR: u32 = 8;
// And the directory of all.
const NAMES: u32 = 10;

/** Nodes begin here: none is 0. */
const FIRST_NODE: u64 = 1;
/** The directory /dev. */
export const DEVICES_NODE: u64 = 0x100;
const DESCRIPTORS: u64 = 0x1000;

const PERMISSIONS_DEVICE: u32 = 0x1b6; // rw-rw-rw-
const PERMISSIONS_CONSOLE: u32 = 0x180; // rw-------
const PERMISSIONS_DIRECTORY: u32 = 0x16d; // r-xr-xr-x
const PERMISSIONS_LINK: u32 = 0x1ff;

const digits = memory.data(4, 4);
const nameBytes = memory.data(8, 8);

function nameOf(entry: u32): string {
  switch (entry) {
    case DEVICE_NULL:
      return "null";
    case DEVICE_ZERO:
      return "zero";
    case DEVICE_FULL:
      return "full";
    case DEVICE_RANDOM:
      return "random";
    case DEVICE_URANDOM:
      return "urandom";
    case DEVICE_CONSOLE:
      return "console";
    case LINK_INPUT:
      return "stdin";
    case LINK_OUTPUT:
      return "stdout";
    case LINK_ERROR:
      return "stderr";
    default:
      return "fd";
  }
}

/** The device that `node` is; none when it is not below DEVICES. */
export function devicesNumber(node: u64): u32 {
  return <u32>(node - FIRST_NODE);
}

/** Whether `node` is a device, and neither directory, link nor descriptor. */
export function devicesIsDevice(node: u64): bool {
  return node - FIRST_NODE < DEVICES;
}

/** The descriptor that `node` is, -1 for none. */
export function devicesDescriptor(node: u64): i32 {
  return node < DESCRIPTORS ? -1 : <i32>(node - DESCRIPTORS);
}

/** The node that descriptor `fd` is. */
export function devicesDescriptorNode(fd: u32): u64 {
  return DESCRIPTORS + fd;
}

/** The descriptor that the `length` bytes of text at `name` write, as printed, and that is open; -1 for none. */
export function descriptorNamed(name: usize, length: u32): i32 {
  const fd = parseDecimal(name, length);
  const isCanonical = length == 1 || (length != 0 && load<u8>(name) != 0x30);
  return fd < 0 || fd >= <i64>OPEN_MAX || !isCanonical || descriptorFile(<i32>fd) == NO_FILE ? -1 : <i32>fd;
}

/** Writes `fd` < 10 000 in decimal to `target`; its digits. */
export function descriptorName(fd: u32, target: usize): u32 {
  const count: u32 = fd < 10 ? 1 : fd < 100 ? 2 : fd < 1000 ? 3 : 4;
  let rest = fd;
  for (let at = count; at > 0; at--) {
    store<u8>(target + at - 1, <u8>(0x30 + (rest % 10)));
    rest /= 10;
  }
  return count;
}

/** The node of `name` in `directory`; 0 when there is none. */
export function devicesLookup(directory: u64, name: usize, length: u32): u64 {
  if (directory != DEVICES_NODE) {
    const fd = descriptorNamed(name, length);
    return fd < 0 ? 0 : devicesDescriptorNode(fd);
  }
  for (let entry: u32 = 0; entry < NAMES; entry++) {
    if (bytesEqualText(name, length, nameOf(entry))) return FIRST_NODE + entry;
  }
  return 0;
}

/** S_IF… of what a description refers to. */
function descriptionType(file: OpenFile): u32 {
  if (openFileIsPipe(file)) return S_IFIFO;
  if (openFileIsSocket(file)) return S_IFSOCK;
  if (file.kind == KIND_DIRECTORY) return S_IFDIR;
  return file.kind == KIND_FILE ? S_IFREG : S_IFCHR;
}

/** S_IF… of `node`. */
export function devicesType(node: u64): u32 {
  if (node >= DESCRIPTORS) {
    const file = descriptorFile(devicesDescriptor(node));
    return file == NO_FILE ? S_IFCHR : descriptionType(file);
  }
  const entry = devicesNumber(node);
  if (entry < DEVICES) return S_IFCHR;
  return entry <= LINK_ERROR ? S_IFLNK : S_IFDIR;
}

/** The directory above `directory`. */
export function devicesParent(_directory: u64): u64 {
  return DEVICES_NODE;
}

/** The text of link `node`, which is written to `target`, of at least 4 bytes; its length. */
export function devicesLink(node: u64, target: usize): u32 {
  store<u32>(target, 0x2f6466); // "fd/"
  store<u8>(target + 3, <u8>(0x30 + devicesNumber(node) - LINK_INPUT));
  return 4;
}

/** major << 8 | minor, as Linux numbers them. */
function specialDevice(device: u32): u64 {
  switch (device) {
    case DEVICE_NULL:
      return 0x103;
    case DEVICE_ZERO:
      return 0x105;
    case DEVICE_FULL:
      return 0x107;
    case DEVICE_RANDOM:
      return 0x108;
    case DEVICE_URANDOM:
      return 0x109;
    default:
      return 0x501;
  }
}

/** Fills what there is to tell of `device` in `status`, which is zero. */
export function deviceStatus(device: u32, status: FileStatus): void {
  status.mode = S_IFCHR | (device == DEVICE_CONSOLE ? PERMISSIONS_CONSOLE : PERMISSIONS_DEVICE);
  status.links = 1;
  status.inode = FIRST_NODE + device;
  status.specialDevice = specialDevice(device);
}

/** The same of a node that is no descriptor. */
export function devicesStatus(node: u64, status: FileStatus): void {
  if (devicesIsDevice(node)) return deviceStatus(devicesNumber(node), status);
  const isLink = devicesType(node) == S_IFLNK;
  status.mode = isLink ? S_IFLNK | PERMISSIONS_LINK : S_IFDIR | PERMISSIONS_DIRECTORY;
  status.links = isLink ? 1 : 2;
  status.size = isLink ? 4 : 0;
  status.inode = node;
}

/** Fills `listed` with the name of `directory` at `position`; false at the end. */
export function devicesList(directory: u64, position: u64, listed: ListedName): bool {
  if (directory != DEVICES_NODE) return descriptorsList(position, listed);
  if (position >= NAMES) return false;
  const name = nameOf(<u32>position);
  listed.name = nameBytes;
  listed.length = textBytes(name, nameBytes);
  listed.node = FIRST_NODE + position;
  listed.type = devicesType(listed.node);
  listed.next = position + 1;
  return true;
}

/** Lists the open descriptors from number `position` on. */
export function descriptorsList(position: u64, listed: ListedName): bool {
  for (let fd = <u32>position; fd < OPEN_MAX; fd++) {
    const file = descriptorFile(fd);
    if (file == NO_FILE) continue;
    listed.name = digits;
    listed.length = descriptorName(fd, digits);
    listed.node = devicesDescriptorNode(fd);
    listed.type = descriptionType(file);
    listed.next = <u64>fd + 1;
    return true;
  }
  return false;
}
