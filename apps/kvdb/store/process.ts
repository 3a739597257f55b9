// The store's process: reads requests from the pipes of all backends, writes answers, and never waits for one of them. A backend that does
// not take its answers is not read either; one that only listens and falls behind is let go (session.ts).
import { EINTR, POLLIN, POLLOUT, SIGHUP, SIGTERM, SIGUSR1, SIG_DFL, SIG_IGN, errno, perror, poll, pollfd, puts, read, signal, write } from "karyon"; // prettier-ignore
import { updateClock, now } from "../clock";
import { Bytes } from "../resp/bytes";
import { latin1 } from "../resp/command";
import { MOST_COMMAND } from "../resp/limits";
import { CONTROL_SIZE, GREETING, REQUEST_HEADER } from "../server/frame";
import { becomeStore, drainPipe, freeingEnd, slots } from "../server/slots";
import { MOST_WAITING, Session } from "./session";
import { serviceStart, sessionAsks, sessionBegin, sessionEnd, sessions, table } from "./service";

/** Milliseconds between two sweeps for keys that have ended, while there are some that will. */
const SWEEP_INTERVAL: i32 = 100;
const SWEEP_BUCKETS: u32 = 64;
/** Bytes that are read in one go. */
const READ_SIZE: u32 = 8192;
const MOST_PEER: u32 = 64;

/** Entries for poll: the postmaster's pipe, then for each slot its requests and its answers. */
let entries: usize = 0;
const messages = memory.data(256, 8);
const MESSAGES: u32 = 256;

function entryAt(index: i32): pollfd {
  return changetype<pollfd>(entries + <usize>index * offsetof<pollfd>());
}

/** Serves until the postmaster has gone, or SIGTERM. Returns an exit status. */
export function keepStore(): i32 {
  signal(SIGTERM, SIG_DFL);
  signal(SIGHUP, SIG_IGN);
  signal(SIGUSR1, SIG_IGN);
  const control = becomeStore();
  updateClock();
  serviceStart(slots.length);
  for (let i = 0; i < slots.length; i++) inputs.push(new Bytes(MOST_COMMAND + READ_SIZE));
  const count = 1 + 2 * slots.length;
  const storage = new StaticArray<u64>(count);
  entries = changetype<usize>(storage);
  puts(`kvdb: the store is ready for ${slots.length} clients`);
  while (true) {
    prepare(control);
    const ready = poll(entries, count, table.expiring == 0 ? -1 : SWEEP_INTERVAL);
    updateClock();
    if (ready < 0 && errno != EINTR) {
      perror("kvdb: poll");
      return 1;
    }
    if (ready > 0) {
      if (entryAt(0).revents != 0 && !hear(control)) return 0;
      for (let i = 0; i < slots.length; i++) serveSlot(i);
    }
    table.expireSome(now(), SWEEP_BUCKETS);
  }
}

/** Waits for the requests of those whose answers have gone, and for room for those whose have not. */
function prepare(control: i32): void {
  entryAt(0).fd = control;
  entryAt(0).events = POLLIN;
  for (let i = 0; i < slots.length; i++) {
    const session = sessions[i];
    const waiting = session !== null && session.output.length > 0;
    const requests = entryAt(1 + 2 * i);
    const answers = entryAt(2 + 2 * i);
    requests.fd = waiting && (!session!.listens || session!.output.length > MOST_WAITING) ? -1 : slots[i].requests[0];
    requests.events = POLLIN;
    requests.revents = 0;
    answers.fd = waiting ? slots[i].answers[1] : -1;
    answers.events = POLLOUT;
    answers.revents = 0;
  }
}

/** Backends have ended: their places are emptied, and the postmaster is told. False when the postmaster has gone. */
function hear(control: i32): bool {
  const count = read(control, messages, MESSAGES);
  if (count == 0) return false;
  for (let at = 0; at + <i32>CONTROL_SIZE <= count; at += CONTROL_SIZE) {
    const slot = load<i32>(messages + at);
    if (slot < 0 || slot >= slots.length) continue;
    sessionEnd(slot, load<u32>(messages + at, 4));
    inputs[slot].clear();
    drainPipe(slots[slot].requests[0]);
    write(freeingEnd(), messages + at, CONTROL_SIZE);
  }
  return true;
}

function serveSlot(slot: i32): void {
  if (entryAt(1 + 2 * slot).revents != 0) receive(slot);
  const session = sessions[slot];
  if (session !== null && session.output.length > 0) send(slot, session);
}

function send(slot: i32, session: Session): void {
  const output = session.output;
  while (output.length > 0) {
    const count = write(slots[slot].answers[1], output.at, output.length);
    if (count <= 0) return;
    output.drop(<u32>count);
  }
}

/** What has come of requests, by slot. */
const inputs: Bytes[] = [];

function receive(slot: i32): void {
  const input = inputs[slot];
  const to = input.reserve(READ_SIZE);
  if (to == 0) return input.clear();
  const count = read(slots[slot].requests[0], to, READ_SIZE);
  if (count <= 0) return;
  input.grew(<u32>count);
  while (input.length >= REQUEST_HEADER) {
    const length = load<u32>(input.at);
    if (length > MOST_COMMAND) return input.clear();
    if (input.length < REQUEST_HEADER + length) return;
    take(slot, load<u32>(input.at, 4), input.at + REQUEST_HEADER, length);
    input.drop(REQUEST_HEADER + length);
  }
}

/** A frame of session `id`: its greeting, or a command. Others say nothing. */
function take(slot: i32, id: u32, from: usize, length: u32): void {
  const session = sessions[slot];
  if (session !== null && session.id == id) sessionAsks(session, from, length);
  else if (length >= 5 && load<u8>(from) == GREETING) {
    sessionBegin(slot, id, load<i32>(from, 1), latin1(from + 5, min(length - 5, MOST_PEER)));
  }
}
