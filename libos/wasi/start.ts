// What the program was started with: args_get and environ_get (wasi_snapshot_preview1.witx). Arguments and environment are the command line's, as
// other apps have them; WASI wants the program's name before them, which is the image's.
// Each is a list of texts with a zero byte behind, and a list of pointers to them. The app learns the sizes first and gives places for both.
import { appName } from "../../kernel/boot";
import { argumentCount } from "../../kernel/command_line";
import { environmentCount, writeArguments, writeEnvironment } from "../posix/process";
import { userBuffer } from "../process/user_memory";
import { isWord, tellWord } from "./answer";
import { WASI_FAULT, WASI_SUCCESS } from "./errno";

const POINTER_SIZE: u32 = 4;

/** Bytes of the name with its zero byte. */
function nameSize(): u32 {
  const name = appName();
  let length: u32 = 0;
  while (load<u8>(name + length) != 0) length += 1;
  return length + 1;
}

function tellSizes(count: u32, size: u32, countAt: u32, sizeAt: u32): u32 {
  if (!isWord(countAt) || !isWord(sizeAt)) return WASI_FAULT;
  tellWord(countAt, count);
  return tellWord(sizeAt, size);
}

/** Writes pointers to the `count` texts at `texts` of app memory, whose kernel address is `address`, to `pointers`. */
function point(pointers: usize, count: u32, texts: u32, address: usize): void {
  let at: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(pointers + ((<usize>i) << 2), texts + at);
    while (load<u8>(address + at) != 0) at += 1;
    at += 1;
  }
}

export function wasi_args_sizes_get(count: u32, size: u32): u32 {
  return tellSizes(argumentCount() + 1, nameSize() + writeArguments(0, 0), count, size);
}

export function wasi_args_get(pointers: u32, texts: u32): u32 {
  const count = argumentCount() + 1;
  const name = nameSize();
  const size = writeArguments(0, 0);
  const list = userBuffer(pointers, count * POINTER_SIZE);
  const bytes = userBuffer(texts, name + size);
  if (list == 0 || bytes == 0) return WASI_FAULT;
  memory.copy(bytes, appName(), name);
  writeArguments(bytes + name, size);
  point(list, count, texts, bytes);
  return WASI_SUCCESS;
}

export function wasi_environ_sizes_get(count: u32, size: u32): u32 {
  return tellSizes(environmentCount(), writeEnvironment(0, 0), count, size);
}

export function wasi_environ_get(pointers: u32, texts: u32): u32 {
  const count = environmentCount();
  const size = writeEnvironment(0, 0);
  const list = userBuffer(pointers, count * POINTER_SIZE);
  const bytes = userBuffer(texts, size);
  if (list == 0 || bytes == 0) return WASI_FAULT;
  writeEnvironment(bytes, size);
  point(list, count, texts, bytes);
  return WASI_SUCCESS;
}
