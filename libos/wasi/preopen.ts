// The directories that a program begins with ("preopens"), from descriptor 3 on, where libc looks for such. The command line says which:
// preopen=<name>:<directory>, as often as needed, in that order; without any it is the root of all files, under the name "/", and with preopen=off
// there is none. The name is what the program knows the directory by; everything is found below it and nothing else.
// Invariant: a row's descriptor has the row's directory, or is -1 when the program has closed it.
import { TextSpan, optionAt, optionCount } from "../../kernel/command_line";
import { ENOSPC } from "../../kernel/errno";
import { log } from "../../kernel/log";
import { bytesEqualText } from "../../kernel/text";
import { fencesTurnOn } from "../fs/fence";
import { O_DIRECTORY, O_RDONLY } from "../posix/constants";
import { openPlace } from "../posix/open";
import { userBuffer } from "../process/user_memory";
import { WASI_BADF, WASI_FAULT, WASI_NAMETOOLONG, WASI_SUCCESS } from "./errno";
import { PRESTAT_SIZE } from "./layout";

const COLON: u8 = 0x3a;
const OPTION: u32 = 8; // "preopen="
const PREOPENTYPE_DIR: u32 = 0;
const MOST: u32 = 16;
const ROW_SIZE: usize = 16;

@unmanaged
@final
class Preopen {
  name: usize;
  nameLength: u32;
  descriptor: i32;
}

const NONE: Preopen = changetype<Preopen>(0);

const rootName = memory.data<u8>([0x2f]);
const rows = memory.data(256, 8); // MOST of them
let count: u32 = 0;

function row(index: u32): Preopen {
  return changetype<Preopen>(rows + <usize>index * ROW_SIZE);
}

/** The row of `fd`, or NONE. */
function find(fd: i32): Preopen {
  for (let i: u32 = 0; i < count; i++) if (fd >= 0 && row(i).descriptor == fd) return row(i);
  return NONE;
}

/** Opens the directory at `path`: 0 or -errno. */
function open(name: usize, nameLength: u32, path: usize, length: u32): i32 {
  if (count == MOST) return -ENOSPC;
  const fd = openPlace(path, length, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return fd;
  const made = row(count++);
  made.name = name;
  made.nameLength = nameLength;
  made.descriptor = fd;
  return 0;
}

/** Opens what an option says, "name:directory". */
function openOption(text: usize, length: u32): i32 {
  let colon = length;
  while (colon != 0 && load<u8>(text + colon - 1) != COLON) colon--;
  return colon == 0 ? open(text, length, text, length) : open(text, colon - 1, text + colon, length - colon);
}

/** Export: opens them, before the program starts; nothing else is open but the console. What cannot be opened is logged. */
export function wasiStart(): void {
  fencesTurnOn();
  let isSaid = false;
  for (let i: u32 = 0; i < optionCount(); i++) {
    const option: TextSpan = optionAt(i);
    if (option.length <= OPTION || !bytesEqualText(option.address, OPTION, "preopen=")) continue;
    isSaid = true;
    const text = option.address + OPTION;
    const length = option.length - OPTION;
    const error = bytesEqualText(text, length, "off") ? 0 : openOption(text, length);
    if (error != 0) log("wasi").text("cannot open ").bytes(text, length).text(": error ").decimal(-error).end();
  }
  if (!isSaid) open(rootName, 1, rootName, 1);
}

/** `fd` is another file's now, or nobody's. */
export function preopenGone(fd: i32): void {
  const gone = find(fd);
  if (gone != NONE) gone.descriptor = -1;
}

/** What was `fd` is `goal` now. */
export function preopenMoved(fd: i32, goal: i32): void {
  preopenGone(goal);
  const moved = find(fd);
  if (moved != NONE) moved.descriptor = goal;
}

export function wasi_fd_prestat_get(fd: i32, target: u32): u32 {
  const found = find(fd);
  if (found == NONE) return WASI_BADF;
  const at = userBuffer(target, PRESTAT_SIZE);
  if (at == 0) return WASI_FAULT;
  store<u32>(at, PREOPENTYPE_DIR);
  store<u32>(at, found.nameLength, sizeof<u32>());
  return WASI_SUCCESS;
}

export function wasi_fd_prestat_dir_name(fd: i32, path: u32, length: u32): u32 {
  const found = find(fd);
  if (found == NONE) return WASI_BADF;
  if (length < found.nameLength) return WASI_NAMETOOLONG;
  const at = userBuffer(path, found.nameLength);
  if (at == 0) return WASI_FAULT;
  memory.copy(at, found.name, found.nameLength);
  return WASI_SUCCESS;
}
