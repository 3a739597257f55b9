// The process as such: its end, its id, what it was started with, random numbers.
import { TextSpan, argumentAt, argumentCount, optionAt, optionCount } from "../../kernel/command_line";
import { EFAULT, EINVAL } from "../../kernel/errno";
import { randomFill } from "../../kernel/random";
import { bytesEqualText } from "../../kernel/text";
import { appExit } from "../process/app";
import { familyFork } from "../process/family";
import { parentProcessId, processId } from "../process/identity";
import { userBuffer } from "../process/user_memory";
import { epollForked } from "../optional/with_fork_epoll";
import { unixForked } from "../optional/with_fork_unix";
import { GRND_NONBLOCK, GRND_RANDOM } from "./constants";

/** Options of the command line that are the app's environment begin with "env.". */
const ENVIRONMENT_PREFIX_LENGTH: u32 = 4;
const RANDOM_MAX: u32 = 0x1ffffff;

export function posix_exit(status: i32): void {
  appExit(status);
}

/** Of _exit(), whatever is to be called at an exit. */
export function posix_exit_group(status: i32): void {
  appExit(status);
}

export function posix_getpid(): i32 {
  return processId();
}

export function posix_getppid(): i32 {
  return parentProcessId();
}

export function posix_fork(): i32 {
  const pid = familyFork();
  if (pid != 0) return pid;
  unixForked();
  epollForked();
  return pid;
}

/** Appends `length` bytes and a zero byte at `position` of a buffer of `capacity`; the new position, past the end or not. */
function appendText(target: usize, capacity: u32, position: u32, text: usize, length: u32): u32 {
  if (position < capacity) memory.copy(target + position, text, min(length, capacity - position));
  if (position + length < capacity) store<u8>(target + position + length, 0);
  return position + length + 1;
}

/** Writes the arguments to `capacity` bytes at kernel address `target`; how many there are. */
export function writeArguments(target: usize, capacity: u32): u32 {
  let position: u32 = 0;
  for (let i: u32 = 0; i < argumentCount(); i++) {
    const text = argumentAt(i);
    position = appendText(target, capacity, position, text.address, text.length);
  }
  return position;
}

function isVariable(option: TextSpan): bool {
  return option.length > ENVIRONMENT_PREFIX_LENGTH && bytesEqualText(option.address, ENVIRONMENT_PREFIX_LENGTH, "env.");
}

/** How many variables the environment has. */
export function environmentCount(): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < optionCount(); i++) if (isVariable(optionAt(i))) count += 1;
  return count;
}

/** Writes the environment likewise. */
export function writeEnvironment(target: usize, capacity: u32): u32 {
  let position: u32 = 0;
  for (let i: u32 = 0; i < optionCount(); i++) {
    const option = optionAt(i);
    if (!isVariable(option)) continue;
    const text = option.address + ENVIRONMENT_PREFIX_LENGTH;
    position = appendText(target, capacity, position, text, option.length - ENVIRONMENT_PREFIX_LENGTH);
  }
  return position;
}

export function posix_arguments_size(): i32 {
  return writeArguments(0, 0);
}

export function posix_arguments_get(buffer: u32, length: u32): i32 {
  const bytes = userBuffer(buffer, length);
  return bytes == 0 ? -EFAULT : min(writeArguments(bytes, length), length);
}

export function posix_environment_size(): i32 {
  return writeEnvironment(0, 0);
}

export function posix_environment_get(buffer: u32, length: u32): i32 {
  const bytes = userBuffer(buffer, length);
  return bytes == 0 ? -EFAULT : min(writeEnvironment(bytes, length), length);
}

export function posix_getrandom(buffer: u32, length: u32, flags: u32): i32 {
  if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM)) != 0) return -EINVAL;
  const count = min(length, RANDOM_MAX);
  const bytes = userBuffer(buffer, count);
  if (bytes == 0) return -EFAULT;
  randomFill(bytes, count);
  return <i32>count;
}
