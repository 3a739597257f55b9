// SCM_RIGHTS (unix(7)): descriptors that go along with the bytes or the message by which they were sent. What goes is a reference of the open
// file, so the sender may close its descriptor at once; the receiver's is another of the same open file.
// They are received with the first byte of what they came with, by recvmsg(); any other call that reads that byte closes them. So does closing
// the socket. Sockets that are on their way to each other, or to themselves, and that nobody can receive any more, are not found: they stay.
// Where another process may read the bytes, passing.ts sends and receives; the Rights are this process's alone before and afterwards.
// Invariant: Rights are in the list of one socket, in the order of their bytes, or `taken`, or about to be closed.
import { EBADF, EINVAL, ENOBUFS, ETOOMANYREFS } from "../../../kernel/errno";
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";
import { descriptorFile, descriptorFree, descriptorSet } from "../../process/descriptors";
import { NO_FILE, OpenFile, openFileHold, openFileRelease } from "../../process/open_file";
import { OPEN_MAX, SCM_MAX_FD, SCM_RIGHTS, SOL_SOCKET } from "../constants";
import { CONTROL_HEADER_SIZE, ControlHeader } from "../layout";
import { passingArrive } from "../../optional/with_fork_unix_rights";
import { UnixSocket } from "./socket";

/** The descriptors of one message; behind it the descriptions. */
@unmanaged
@final
class Rights {
  next: usize;
  count: u32;
  /** The bytes they came with, counted from the first that ever went through the pipe, and the first behind. */
  from: u64;
  to: u64;

  file(index: u32): OpenFile {
    return changetype<OpenFile>(load<usize>(changetype<usize>(this) + offsetof<Rights>() + ((<usize>index) << 2)));
  }

  add(file: OpenFile): void {
    store<usize>(changetype<usize>(this) + offsetof<Rights>() + ((<usize>this.count) << 2), changetype<usize>(file));
    this.count += 1;
  }
}

const NO_RIGHTS: Rights = changetype<Rights>(0);

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
let initialised = false;
/** Descriptors that are on their way. */
let travelling: u32 = 0;
/** What the running call has read; 0 without any. */
let taken: usize = 0;
/** There was no memory for some of that. */
let isLost = false;
/** A list of what is to be closed, one after another: what is on its way may have others on their way to it. */
let dying: usize = 0;
let isClosing = false;

/** The Rights that the control messages at `control`, `length` bytes, ask for, 0 when for none; -EINVAL, -EBADF, -ENOBUFS, -ETOOMANYREFS. */
export function rightsCollect(control: usize, length: u32): i64 {
  let rights = NO_RIGHTS;
  let error = 0;
  for (let at: u32 = 0; error == 0 && length - at >= CONTROL_HEADER_SIZE;) {
    const header = changetype<ControlHeader>(control + at);
    const size = header.length; // read once: the app's threads can change it
    const isRights = header.level == SOL_SOCKET && header.type == SCM_RIGHTS;
    if (size < CONTROL_HEADER_SIZE || size > length - at) error = -EINVAL;
    else if (isRights) {
      if (rights == NO_RIGHTS) rights = create();
      error =
        rights == NO_RIGHTS
          ? -ENOBUFS
          : collect(rights, control + at + CONTROL_HEADER_SIZE, (size - CONTROL_HEADER_SIZE) >> 2);
    } else if (header.level == SOL_SOCKET) error = -EINVAL; // SCM_CREDENTIALS and others
    at += min((size + 3) & ~3, length - at);
  }
  if (error == 0) return changetype<usize>(rights);
  if (rights != NO_RIGHTS) rightsClose(changetype<usize>(rights));
  return error;
}

function create(): Rights {
  if (!initialised) {
    slabInit(slab, <u32>offsetof<Rights>() + SCM_MAX_FD * 4);
    initialised = true;
  }
  return changetype<Rights>(slab.alloc());
}

function collect(rights: Rights, descriptors: usize, count: u32): i32 {
  if (count > SCM_MAX_FD - rights.count) return -EINVAL;
  if (travelling + count > OPEN_MAX) return -ETOOMANYREFS;
  for (let i: u32 = 0; i < count; i++) {
    const file = descriptorFile(load<i32>(descriptors + ((<usize>i) << 2)));
    if (file == NO_FILE) return -EBADF;
    openFileHold(file);
    rights.add(file);
    travelling += 1;
  }
  return 0;
}

/** Export, by libos/optional/with_unix_rights.ts. */
export function rightsAttach(socket: usize, address: usize, from: u64, to: u64): void {
  const s = changetype<UnixSocket>(socket);
  const rights = changetype<Rights>(address);
  rights.from = from;
  rights.to = to;
  rights.next = 0;
  if (s.rightsLast != 0) changetype<Rights>(s.rightsLast).next = address;
  else s.rightsFirst = address;
  s.rightsLast = address;
}

/** Takes the first from a socket's list. */
function takeFirst(s: UnixSocket): usize {
  const first = s.rightsFirst;
  s.rightsFirst = changetype<Rights>(first).next;
  if (s.rightsFirst == 0) s.rightsLast = 0;
  return first;
}

/** Export, by libos/optional/with_unix_rights.ts. */
export function rightsBound(socket: usize, position: u64): u32 {
  const s = changetype<UnixSocket>(socket);
  // A relative may have read some.
  while (s.rightsFirst != 0 && changetype<Rights>(s.rightsFirst).from < position) rightsClose(takeFirst(s));
  return s.rightsFirst == 0 ? 0 : <u32>(changetype<Rights>(s.rightsFirst).to - position);
}

/** Export, by libos/optional/with_unix_rights.ts. */
export function rightsPass(socket: usize, position: u64): bool {
  const s = changetype<UnixSocket>(socket);
  rightsDiscard();
  while (s.rightsFirst != 0 && changetype<Rights>(s.rightsFirst).from < position) {
    rightsDiscard();
    taken = takeFirst(s);
  }
  return taken != 0;
}

/** Export, by libos/optional/with_unix_rights.ts. */
export function rightsArrive(): bool {
  const arrived = passingArrive();
  if (arrived == 0) return isLost;
  rightsDiscard();
  taken = arrived;
  return true;
}

/** Whether the running call has read some that are not received yet, or lost some. */
export function rightsAreTaken(): bool {
  return taken != 0 || isLost;
}

/** Some of those that the running call has read are lost. */
export function rightsLose(): void {
  isLost = true;
}

/** How many there are in Rights. */
export function rightsCount(address: usize): u32 {
  return changetype<Rights>(address).count;
}

/** The `index`-th of them. */
export function rightsFile(address: usize, index: u32): OpenFile {
  return changetype<Rights>(address).file(index);
}

/** Rights with nothing in them; 0 without memory. */
export function rightsCreate(): usize {
  return changetype<usize>(create());
}

/** Adds a reference of `file`, one of SCM_MAX_FD at most. */
export function rightsAdd(address: usize, file: OpenFile): void {
  changetype<Rights>(address).add(file);
  travelling += 1;
}

/** Gives back Rights whose references somebody has taken over. */
export function rightsFree(address: usize): void {
  travelling -= changetype<Rights>(address).count;
  slab.free(address);
}

/**
 * Gives the process descriptors of what was taken and writes them to the control buffer at `control`, of `length` bytes: the bytes that it
 * takes there. For what there is no room or no descriptor is closed, and rightsAreTaken() afterwards.
 */
export function rightsReceive(control: usize, length: u32, closeOnExec: bool): u32 {
  const rights = changetype<Rights>(taken);
  if (rights == NO_RIGHTS) return 0;
  const room: u32 = length < CONTROL_HEADER_SIZE ? 0 : (length - CONTROL_HEADER_SIZE) >> 2;
  const wanted = min(room, rights.count);
  let count: u32 = 0;
  for (; count < wanted; count++) {
    const fd = descriptorFree(0);
    if (fd < 0) break;
    openFileHold(rights.file(count));
    descriptorSet(fd, rights.file(count), closeOnExec);
    store<i32>(control + CONTROL_HEADER_SIZE + ((<usize>count) << 2), fd);
  }
  if (count == rights.count) close();
  if (count == 0) return 0;
  const header = changetype<ControlHeader>(control);
  header.length = CONTROL_HEADER_SIZE + count * 4;
  header.level = SOL_SOCKET;
  header.type = SCM_RIGHTS;
  return header.length;
}

/** Export, by libos/optional/with_unix_rights.ts. */
export function rightsDiscard(): void {
  isLost = false;
  close();
}

function close(): void {
  const rights = taken;
  taken = 0;
  if (rights != 0) rightsClose(rights);
}

/** Export, by libos/optional/with_unix_rights.ts. */
export function rightsDrop(socket: usize): void {
  const s = changetype<UnixSocket>(socket);
  while (s.rightsFirst != 0) rightsClose(takeFirst(s));
}

/** Closes Rights that are in no list. */
export function rightsClose(address: usize): void {
  changetype<Rights>(address).next = dying;
  dying = address;
  if (isClosing) return;
  isClosing = true;
  while (dying != 0) {
    const rights = changetype<Rights>(dying);
    dying = rights.next;
    travelling -= rights.count;
    for (let i: u32 = 0; i < rights.count; i++) openFileRelease(rights.file(i));
    slab.free(changetype<usize>(rights));
  }
  isClosing = false;
}

/** Export, by libos/optional/with_unix_rights.ts: the thread that was closing some is the parent's. */
export function rightsForked(): void {
  isClosing = false;
}
