// What a command works with: its words, the data, the answer, the time; and the few steps that many commands have in common.
import { Bytes } from "../resp/bytes";
import { Command } from "../resp/command";
import { MOST_KEY } from "../resp/limits";
import { Entry, Table } from "./table";

export const WRONG_NUMBER = "ERR value is not an integer or out of range";
export const SYNTAX = "ERR syntax error";
export const NO_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
export const KEY_TOO_LONG = "ERR key is longer than 1024 bytes";

export let table: Table = new Table(0, 0);
export let command: Command = new Command();
export let answer: Bytes = new Bytes(64);
/** Monotonic milliseconds. */
export let now: u64 = 0;
/** Keys that were read and there, or not there, for INFO. */
export let hits: u64 = 0;
export let misses: u64 = 0;

/** The commands act on `data` from now on. */
export function useTable(data: Table): void {
  table = data;
  hits = 0;
  misses = 0;
}

/** The command is `words`, its answer goes to the end of `to`, it is `time`. */
export function beginCommand(words: Command, to: Bytes, time: u64): void {
  command = words;
  answer = to;
  now = time;
}

/** Redis's words for too few or too many arguments. */
export function wrongNumber(name: string): string {
  return `ERR wrong number of arguments for '${name.toLowerCase()}' command`;
}

/** The entry of the key that word `word` is, null when there is none. */
export function find(word: u32): Entry | null {
  return table.find(command.at(word), command.size(word), now);
}

/** Puts `value` at the key `word`; says in the answer why it cannot. */
export function put(word: u32, value: StaticArray<u8>): Entry | null {
  if (command.size(word) > MOST_KEY) {
    answer.error(KEY_TOO_LONG);
    return null;
  }
  const entry = table.put(command.at(word), command.size(word), value, now);
  if (entry === null) answer.error(NO_MEMORY);
  return entry;
}

/** Answers with the entry's value. */
export function tell(entry: Entry | null): void {
  if (entry === null) answer.none();
  else answer.bulk(changetype<usize>(entry.value), entry.value.length);
}

/** Answers with the entry's value, and counts whether it was there. */
export function tellRead(entry: Entry | null): void {
  if (entry === null) misses++;
  else hits++;
  tell(entry);
}

/** Answers with an error. Always true. */
export function fail(text: string): bool {
  answer.error(text);
  return true;
}

/** An answer that has grown too long since `start` is an error instead. */
export function bounded(start: u32): bool {
  if (!answer.overflowed) return true;
  answer.truncate(start);
  answer.overflowed = false;
  answer.error("ERR the answer is longer than 256 kB; SCAN gives keys in parts");
  return true;
}
