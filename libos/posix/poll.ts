// poll and select: look; if nothing is ready, wait for any of the descriptions, and look again.
import { EAGAIN, EBADF, EFAULT, EINTR, EINVAL, ENOMEM, ETIMEDOUT } from "../../kernel/errno";
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from "../net/poll_events";
import { descriptorFile, descriptorLimit } from "../process/descriptors";
import { NO_FILE } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { FD_SETSIZE } from "./constants";
import { deadlineIn } from "./deadline";
import { POLL_DESCRIPTOR_SIZE, PollDescriptor } from "./layout";
import { ReadinessWait, openFileEvents, readinessBlock } from "./readiness";

/** revents of a descriptor that is not open. */
const POLLNVAL: u32 = 0x020;
/** What shows in revents without being asked for. */
const ALWAYS: u32 = POLLERR | POLLHUP;
/** Exceptional conditions for select: urgent data. */
const POLLPRI: u32 = 0x002;

const SET_BYTES: u32 = FD_SETSIZE / 8;

// Both are used between two points where the thread may change, so all threads share them.
const wait = changetype<ReadinessWait>(memory.data(12, 4));
const ready = memory.data(384, 8); // the three sets of a select while it looks

/** Fills in revents of all entries up to `end`; how many are not 0. When none is, that of a wait for `nanoseconds`, if they are not 0. */
function pollLook(entries: usize, end: usize, nanoseconds: i64): i32 {
  let found = 0;
  for (let at = entries; at < end; at += POLL_DESCRIPTOR_SIZE) {
    const entry = changetype<PollDescriptor>(at);
    const events = eventsOf(entry.descriptor) & ((<u32>entry.events) | ALWAYS | POLLNVAL);
    entry.returned = <i16>events;
    if (events != 0) found += 1;
  }
  return found != 0 || nanoseconds == 0 ? found : pollLater(entries, end, nanoseconds);
}

function eventsOf(fd: i32): u32 {
  const file = descriptorFile(fd);
  if (file != NO_FILE) return openFileEvents(file);
  return fd < 0 ? 0 : POLLNVAL; // an entry of a negative number is passed over
}

function pollWait(entries: usize, end: usize, deadline: u64): i32 {
  if (!wait.begin(<u32>((end - entries) / POLL_DESCRIPTOR_SIZE))) return -ENOMEM;
  for (let at = entries; at < end; at += POLL_DESCRIPTOR_SIZE) {
    const file = descriptorFile(changetype<PollDescriptor>(at).descriptor);
    if (file != NO_FILE) wait.add(file);
  }
  return readinessBlock(wait.slots, wait.count, wait.order, deadline);
}

export function posix_poll(descriptors: u32, count: u32, nanoseconds: i64): i32 {
  if (count > descriptorLimit()) return -EINVAL;
  const bytes = count * POLL_DESCRIPTOR_SIZE;
  const entries = userBuffer(descriptors, bytes);
  return entries == 0 ? -EFAULT : pollLook(entries, entries + bytes, nanoseconds);
}

/** pollLook() again and again, of what is not ready yet. */
function pollLater(entries: usize, end: usize, nanoseconds: i64): i32 {
  const deadline = deadlineIn(nanoseconds);
  while (true) {
    const result = pollWait(entries, end, deadline);
    if (result == -ENOMEM) return -EAGAIN;
    const found = pollLook(entries, end, 0);
    if (found != 0 || result == -ETIMEDOUT) return found;
    if (result != 0) return result;
  }
}

function setHas(set: usize, fd: u32): bool {
  return set != 0 && ((load<u8>(set + (fd >> 3)) >> (fd & 7)) & 1) != 0;
}

function setAdd(set: usize, fd: u32): void {
  const at = set + (fd >> 3);
  store<u8>(at, load<u8>(at) | (<u8>((1 as u32) << (fd & 7))));
}

/** Makes the sets of what is ready in `ready`; how many bits they have, or -EBADF. */
function selectLook(count: u32, read: usize, write: usize, except: usize): i32 {
  memory.fill(ready, 0, SET_BYTES * 3);
  let found = 0;
  for (let fd: u32 = 0; fd < count; fd++) {
    const wantsRead = setHas(read, fd);
    const wantsWrite = setHas(write, fd);
    const wantsExcept = setHas(except, fd);
    if (!wantsRead && !wantsWrite && !wantsExcept) continue;
    const file = descriptorFile(fd);
    if (file == NO_FILE) return -EBADF;
    const events = openFileEvents(file);
    if (wantsRead && (events & (POLLIN | POLLHUP | POLLERR)) != 0) {
      setAdd(ready, fd);
      found += 1;
    }
    if (wantsWrite && (events & (POLLOUT | POLLERR)) != 0) {
      setAdd(ready + SET_BYTES, fd);
      found += 1;
    }
    if (wantsExcept && (events & POLLPRI) != 0) {
      setAdd(ready + 2 * SET_BYTES, fd);
      found += 1;
    }
  }
  return found;
}

function selectWait(count: u32, read: usize, write: usize, except: usize, deadline: u64): i32 {
  if (!wait.begin(count)) return -ENOMEM;
  for (let fd: u32 = 0; fd < count; fd++) {
    if (!setHas(read, fd) && !setHas(write, fd) && !setHas(except, fd)) continue;
    const file = descriptorFile(fd);
    if (file != NO_FILE) wait.add(file);
  }
  return readinessBlock(wait.slots, wait.count, wait.order, deadline);
}

/** Hands the sets made by selectLook to the app: the bytes that `count` descriptors take. */
function selectAnswer(count: u32, read: usize, write: usize, except: usize): void {
  const bytes: usize = (count + 7) >> 3;
  if (read != 0) memory.copy(read, ready, bytes);
  if (write != 0) memory.copy(write, ready + SET_BYTES, bytes);
  if (except != 0) memory.copy(except, ready + 2 * SET_BYTES, bytes);
}

/** The kernel address of an fd_set, 0 for none, or 1 when it is not in the app's memory. */
function setBuffer(offset: u32): usize {
  if (offset == 0) return 0;
  const bytes = userBuffer(offset, SET_BYTES);
  return bytes == 0 ? 1 : bytes;
}

export function posix_select(count: i32, read: u32, write: u32, except: u32, nanoseconds: i64): i32 {
  if (count < 0 || <u32>count > FD_SETSIZE) return -EINVAL;
  const readSet = setBuffer(read);
  const writeSet = setBuffer(write);
  const exceptSet = setBuffer(except);
  if (readSet == 1 || writeSet == 1 || exceptSet == 1) return -EFAULT;
  let found = selectLook(count, readSet, writeSet, exceptSet);
  if (found == 0 && nanoseconds != 0) {
    const deadline = deadlineIn(nanoseconds);
    let result = 0;
    while (found == 0 && result == 0) {
      result = selectWait(count, readSet, writeSet, exceptSet, deadline);
      if (result == -ENOMEM) return -EAGAIN;
      found = selectLook(count, readSet, writeSet, exceptSet);
      if (found == 0 && result == -EINTR) return -EINTR;
    }
  }
  if (found >= 0) selectAnswer(count, readSet, writeSet, exceptSet);
  return found;
}
