// kvdb without processes and pipes, for the tests: the protocol, and the store with its sessions.
import { options, parseOptions } from "../../../apps/kvdb/options";
import { updateClock } from "../../../apps/kvdb/clock";
import { Bytes } from "../../../apps/kvdb/resp/bytes";
import { Command } from "../../../apps/kvdb/resp/command";
import { MOST_COMMAND } from "../../../apps/kvdb/resp/limits";
import { globMatches } from "../../../apps/kvdb/store/glob";
import { serviceStart, sessionAsks, sessionBegin, sessionEnd, sessions, table } from "../../../apps/kvdb/store/service"; // prettier-ignore

const BUFFER: i32 = 1024 * 1024;
const input = new StaticArray<u8>(BUFFER);
const command = new Command();
const bytes = new Bytes(1000);

/** Where the test puts bytes. */
export function inputBuffer(): usize {
  return changetype<usize>(input);
}

/** Takes a command line of words separated by blanks; the complaint goes to the input buffer, its length is the result. */
export function configure(length: i32): i32 {
  const line = String.UTF8.decodeUnsafe(inputBuffer(), length);
  const complaint = parseOptions(line.length == 0 ? [] : line.split(" "));
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(complaint), complaint.length, inputBuffer());
}

export function option(index: i32): i32 {
  if (index == 0) return options.port;
  if (index == 1) return options.maxClients;
  return index == 2 ? options.maxMemory : options.timeout;
}

export function parse(length: u32): i32 {
  return command.parse(inputBuffer(), length);
}

export function wordCount(): u32 {
  return command.count;
}

export function wordAt(i: u32): usize {
  return command.at(i);
}

export function wordSize(i: u32): u32 {
  return command.size(i);
}

/** Puts what parse() found wrong into the input buffer; its length. */
export function complaint(): i32 {
  const text = command.complaint;
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, inputBuffer());
}

/** The pattern and, right behind it, the text. */
export function glob(patternLength: u32, length: u32): bool {
  return globMatches(inputBuffer(), patternLength, inputBuffer() + patternLength, length);
}

export function mostCommand(): u32 {
  return MOST_COMMAND;
}

export function start(slots: i32): void {
  updateClock();
  serviceStart(slots);
}

export function begin(slot: i32, id: u32, pid: i32): void {
  updateClock();
  sessionBegin(slot, id, pid, `10.0.2.2:${40000 + <i32>id}`);
}

export function end(slot: i32, id: u32): void {
  sessionEnd(slot, id);
}

export function asks(slot: i32, length: u32): void {
  updateClock();
  const session = sessions[slot];
  if (session !== null) sessionAsks(session, inputBuffer(), length);
}

export function outputAt(slot: i32): usize {
  return sessions[slot]!.output.at;
}

export function outputLength(slot: i32): u32 {
  return sessions[slot]!.output.length;
}

export function dropOutput(slot: i32, count: u32): void {
  sessions[slot]!.output.drop(count);
}

export function tableBytes(): u32 {
  return <u32>table.bytes;
}

export function tableCount(): u32 {
  return table.count;
}

/** A turn of the sweep for keys that have ended. */
export function sweep(buckets: u32): void {
  table.expireSome(updateClock(), buckets);
}

/** Adds `count` bytes of the input to a buffer that holds 1000; whether they fit. */
export function bytesAdd(count: u32): bool {
  bytes.overflowed = false;
  bytes.add(inputBuffer(), count);
  return !bytes.overflowed;
}

export function bytesDrop(count: u32): void {
  bytes.drop(count);
}

export function bytesAt(): usize {
  return bytes.at;
}

export function bytesLength(): u32 {
  return bytes.length;
}
