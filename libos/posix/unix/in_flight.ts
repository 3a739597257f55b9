// Connections that this process has sent to others by a socket of AF_UNIX, and that nobody has taken yet (SCM_RIGHTS; libos/pipe/shared/marks.ts).
// Each is a reference of the open file, so the sender may close its descriptors at once. It ends when the receiver says that it has the connection
// listed as its own (MESSAGE_TAKEN), or when nobody is left who could take it.
// Invariant: the process KEEPS a pipe as long as it has something on the way through it.
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";
import { deathsCount } from "../../pipe/shared/deaths";
import { markFree, markLives } from "../../pipe/shared/marks";
import { lookAgainLater } from "../../pipe/shared/patience";
import { sharedTryLock, sharedUnlock } from "../../pipe/shared/lock";
import { SharedPipe, sharedPipeClear, sharedPipeForgo } from "../../pipe/shared/shared_pipe";
import { NO_FILE, OpenFile, openFileRelease } from "../../process/open_file";

@unmanaged
@final
class InFlight {
  next: usize;
  /** OpenFile; NO_FILE when it has ended, and its mark is still to be freed. */
  file: usize;
  /** SharedPipe. */
  pipe: usize;
  serial: u16;
}

const NONE: InFlight = changetype<InFlight>(0);

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
let first: usize = 0;
/** Those that are made, for the next that are sent. */
let spare: usize = 0;
let lastSerial: u16 = 0;

function next(flight: InFlight): InFlight {
  return changetype<InFlight>(flight.next);
}

/** Numbers for the next `count`, one after another from this on, and memory for them; -1 without. */
export function inFlightNumbers(count: u32): i32 {
  if (slab.objectSize == 0) slabInit(slab, offsetof<InFlight>());
  let made: u32 = 0;
  for (let flight = spare; flight != 0; flight = changetype<InFlight>(flight).next) made += 1;
  for (; made < count; made++) {
    const flight = changetype<InFlight>(slab.alloc());
    if (flight == NONE) return -1;
    flight.next = spare;
    spare = changetype<usize>(flight);
  }
  const number: u16 = lastSerial + 1;
  lastSerial += <u16>count;
  return number;
}

/** `file`, a reference of which is taken over, has gone through `pipe` under a number of inFlightNumbers(). */
export function inFlightAdd(file: OpenFile, pipe: SharedPipe, serial: u16): void {
  const flight = changetype<InFlight>(spare);
  spare = flight.next;
  flight.file = changetype<usize>(file);
  flight.pipe = changetype<usize>(pipe);
  flight.serial = serial;
  flight.next = first;
  first = changetype<usize>(flight);
}

/** The open file under a number; NO_FILE when there is none. */
export function inFlightFile(serial: u32): OpenFile {
  const flight = find(serial);
  return flight == NONE ? NO_FILE : changetype<OpenFile>(flight.file);
}

/** An open file on its way with this object behind it; NO_FILE when there is none. */
export function inFlightOf(kind: u32, object: usize): OpenFile {
  for (let flight = changetype<InFlight>(first); flight != NONE; flight = next(flight)) {
    const file = changetype<OpenFile>(flight.file);
    if (file != NO_FILE && file.kind == kind && file.object == object) return file;
  }
  return NO_FILE;
}

function find(serial: u32): InFlight {
  let flight = changetype<InFlight>(first);
  while (flight != NONE && <u32>flight.serial != serial) flight = next(flight);
  return flight;
}

/** Export, by libos/optional/with_fork_unix_rights.ts. */
export function passingTaken(serial: u32): void {
  const flight = find(serial);
  if (flight == NONE) return;
  letGo(flight);
  if (!settle(flight)) lookAgainLater();
}

/** Export, by libos/optional/with_fork_unix_rights.ts. */
export function passingLook(): void {
  let flight = changetype<InFlight>(first);
  let isBusy = false;
  while (flight != NONE) {
    const following = next(flight);
    if (!settle(flight)) isBusy = true;
    flight = following;
  }
  if (isBusy) lookAgainLater();
}

function letGo(flight: InFlight): void {
  const file = changetype<OpenFile>(flight.file);
  flight.file = 0;
  if (file != NO_FILE) openFileRelease(file);
}

/** Ends it if it is over; false when that cannot be seen now, for another process has the pipe's lock. */
function settle(flight: InFlight): bool {
  const pipe = changetype<SharedPipe>(flight.pipe);
  if (!sharedTryLock(pipe.state)) return false;
  if (pipe.deaths != deathsCount()) sharedPipeClear(pipe);
  if (flight.file != 0 && markLives(pipe.state, flight.serial)) {
    sharedUnlock(pipe.state);
    return true;
  }
  markFree(pipe.state, flight.serial);
  remove(flight);
  sharedPipeForgo(pipe, isKept(pipe));
  letGo(flight);
  slab.free(changetype<usize>(flight));
  return true;
}

function remove(flight: InFlight): void {
  if (first == changetype<usize>(flight)) {
    first = flight.next;
    return;
  }
  let before = changetype<InFlight>(first);
  while (next(before) != flight) before = next(before);
  before.next = flight.next;
}

function isKept(pipe: SharedPipe): bool {
  for (let flight = changetype<InFlight>(first); flight != NONE; flight = next(flight)) {
    if (flight.pipe == changetype<usize>(pipe)) return true;
  }
  return false;
}

/** Export, by libos/optional/with_fork_unix_rights.ts. The pipes that the parent KEEPS are none of this process's. */
export function passingForked(): void {
  while (first != 0) {
    const flight = changetype<InFlight>(first);
    first = flight.next;
    letGo(flight);
    slab.free(changetype<usize>(flight));
  }
}

/** Export, by libos/optional/with_fork_unix_rights.ts. */
export function passingUnfinished(): bool {
  return first != 0;
}

/** Export, by libos/optional/with_fork_unix_rights.ts. */
export function passingGiveUp(): void {
  for (let flight = changetype<InFlight>(first); flight != NONE; flight = next(flight)) letGo(flight);
}
