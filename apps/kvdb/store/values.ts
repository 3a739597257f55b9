// Commands that read and write values. Each answers, and returns true.
import { integerRead, readInteger } from "../resp/command";
import { MOST_KEY } from "../resp/limits";
import { KEY_TOO_LONG, NO_MEMORY, SYNTAX, WRONG_NUMBER, answer, bounded, command, fail, find, now, put, table, tell, tellRead, wrongNumber } from "./context"; // prettier-ignore
import { ENTRY_OVERHEAD, copyOf } from "./table";

/** Longest life of a key. */
export const MOST_SECONDS: i64 = 1_000_000_000;
/** Bytes that APPEND makes at most. */
const MOST_VALUE: u32 = 64 * 1024;

export function get(): bool {
  tellRead(find(1));
  return true;
}

/** SET key value [NX|XX] [GET] [EX seconds|PX milliseconds|KEEPTTL] */
export function set(): bool {
  let onlyNew = false;
  let onlyOld = false;
  let tells = false;
  let keeps = false;
  let life: i64 = 0;
  for (let i: u32 = 3; i < command.count; i++) {
    const option = command.name(i);
    if (option == "NX") onlyNew = true;
    else if (option == "XX") onlyOld = true;
    else if (option == "GET") tells = true;
    else if (option == "KEEPTTL") keeps = true;
    else if ((option == "EX" || option == "PX") && i + 1 < command.count && life == 0) {
      const unit: i64 = option == "EX" ? 1000 : 1;
      i++;
      if (!readInteger(command.at(i), command.size(i))) return fail(WRONG_NUMBER);
      life = integerRead();
      if (life <= 0 || life > (MOST_SECONDS * 1000) / unit) return fail("ERR invalid expire time in 'set' command");
      life *= unit;
    } else return fail(SYNTAX);
  }
  if ((onlyNew && onlyOld) || (keeps && life != 0)) return fail(SYNTAX);
  const before = find(1);
  const old: StaticArray<u8> | null = before === null ? null : before.value;
  if ((onlyNew && before !== null) || (onlyOld && before === null)) {
    tell(tells ? before : null);
    return true;
  }
  const entry = put(1, copyOf(command.at(2), command.size(2)));
  if (entry === null) return true;
  if (!keeps) table.setExpiry(entry, life == 0 ? 0 : now + <u64>life);
  if (!tells) answer.status("OK");
  else if (old === null) answer.none();
  else answer.bulk(changetype<usize>(old), old.length);
  return true;
}

export function addBy(negative: bool): bool {
  if (!readInteger(command.at(2), command.size(2))) return fail(WRONG_NUMBER);
  const change = integerRead();
  if (negative && change == i64.MIN_VALUE) return fail("ERR decrement would overflow");
  return add(negative ? -change : change);
}

export function add(change: i64): bool {
  const entry = find(1);
  let value: i64 = 0;
  if (entry !== null) {
    if (!readInteger(changetype<usize>(entry.value), entry.value.length)) return fail(WRONG_NUMBER);
    value = integerRead();
  }
  if (change > 0 ? value > i64.MAX_VALUE - change : value < i64.MIN_VALUE - change) {
    return fail("ERR increment or decrement would overflow");
  }
  const text = (value + change).toString();
  const bytes = String.UTF8.encode(text);
  if (put(1, copyOf(changetype<usize>(bytes), bytes.byteLength)) !== null) answer.integer(value + change);
  return true;
}

export function append(): bool {
  const entry = find(1);
  const before: u32 = entry === null ? 0 : entry.value.length;
  const size = command.size(2);
  if (before + size > MOST_VALUE) return fail("ERR string exceeds maximum allowed size (64kB)");
  const value = new StaticArray<u8>(<i32>(before + size));
  if (entry !== null) memory.copy(changetype<usize>(value), changetype<usize>(entry.value), before);
  memory.copy(changetype<usize>(value) + before, command.at(2), size);
  if (put(1, value) !== null) answer.integer(value.length);
  return true;
}

export function strlen(): bool {
  const entry = find(1);
  answer.integer(entry === null ? 0 : entry.value.length);
  return true;
}

export function mget(): bool {
  const start = answer.length;
  answer.array(command.count - 1);
  for (let i: u32 = 1; i < command.count && !answer.overflowed; i++) {
    tellRead(find(i));
  }
  return bounded(start);
}

/** All or nothing, as far as memory is concerned: what does not fit is told before anything is changed. */
export function mset(): bool {
  if ((command.count & 1) == 0) return fail(wrongNumber("mset"));
  let bytes: usize = 0;
  for (let i: u32 = 1; i < command.count; i += 2) {
    if (command.size(i) > MOST_KEY) return fail(KEY_TOO_LONG);
    bytes += ENTRY_OVERHEAD + command.size(i) + command.size(i + 1);
  }
  if (table.bytes + bytes > table.limit) return fail(NO_MEMORY);
  for (let i: u32 = 1; i < command.count; i += 2) {
    const entry = put(i, copyOf(command.at(i + 1), command.size(i + 1)));
    if (entry === null) return true;
    table.setExpiry(entry, 0);
  }
  answer.status("OK");
  return true;
}
