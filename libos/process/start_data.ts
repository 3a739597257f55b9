// What a program was started with, where that is not what the command line says: the arguments that execve brought, and the environment that
// execve brought or the program has made for itself. Texts, each ended by a zero byte, one behind the other, in pages of the kernel, so
// that they outlive the memory of the program which they come from.
import { E2BIG, EFAULT, EINVAL, ENOMEM } from "../../kernel/errno";
import { orderFor, pagesAlloc, pagesFree } from "../../kernel/memory/pages";
import { ARG_MAX } from "../posix/constants";
import { userBuffer } from "./user_memory";

/** Texts in pages; all zero: the command line's. */
@unmanaged
@final
export class StartTexts {
  address: usize;
  length: u32;
}

const NO_TEXTS_SIZE: usize = 8;

const given = changetype<StartTexts>(memory.data(8, 4));
const environment = changetype<StartTexts>(memory.data(8, 4));
const nextArguments = changetype<StartTexts>(memory.data(8, 4));
const nextEnvironment = changetype<StartTexts>(memory.data(8, 4));

function free(texts: StartTexts): void {
  if (texts.address != 0) pagesFree(texts.address, orderFor(max(texts.length, 1)));
  memory.fill(changetype<usize>(texts), 0, NO_TEXTS_SIZE);
}

function replace(texts: StartTexts, by: StartTexts): void {
  free(texts);
  memory.copy(changetype<usize>(texts), changetype<usize>(by), NO_TEXTS_SIZE);
  memory.fill(changetype<usize>(by), 0, NO_TEXTS_SIZE);
}

/** Copies `length` bytes of texts at `offset` of app memory: 0, -E2BIG, -EFAULT, -EINVAL (the last has no end), -ENOMEM. */
function take(texts: StartTexts, offset: u32, length: u32): i32 {
  if (length > ARG_MAX) return -E2BIG;
  const source = userBuffer(offset, length);
  if (source == 0) return -EFAULT;
  if (length != 0 && load<u8>(source + length - 1) != 0) return -EINVAL;
  free(texts);
  const address = pagesAlloc(orderFor(max(length, 1)));
  if (address == 0) return -ENOMEM;
  memory.copy(address, source, length);
  texts.address = address;
  texts.length = length;
  return 0;
}

/**
 * Takes what the next program is to start with, from app memory: its name and arguments, and its environment. 0, -E2BIG (both together
 * have more than ARG_MAX bytes), -EFAULT, -EINVAL, -ENOMEM.
 */
export function startDataTake(argumentsAt: u32, argumentsLength: u32, environmentAt: u32, environmentLength: u32): i32 {
  if (<u64>argumentsLength + environmentLength > ARG_MAX) return -E2BIG;
  const error = take(nextArguments, argumentsAt, argumentsLength);
  return error != 0 ? error : take(nextEnvironment, environmentAt, environmentLength);
}

/** The next program starts. */
export function startDataReplace(): void {
  replace(given, nextArguments);
  replace(environment, nextEnvironment);
}

/** Gives the program another environment: 0, -E2BIG, -EFAULT, -EINVAL, -ENOMEM. */
export function startDataSetEnvironment(offset: u32, length: u32): i32 {
  const error = take(nextEnvironment, offset, length);
  if (error == 0) replace(environment, nextEnvironment);
  return error;
}

/** Name and arguments that execve brought; no address: it was not called. */
export function startDataArguments(): StartTexts {
  return given;
}

/** The environment; no address: the command line's. */
export function startDataEnvironment(): StartTexts {
  return environment;
}

/** Bytes of the name among the arguments, its zero byte with them. */
export function startDataNameLength(): u32 {
  let length: u32 = 0;
  while (length < given.length && load<u8>(given.address + length) != 0) length += 1;
  return min(length + 1, given.length);
}
