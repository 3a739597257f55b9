// Commands about keys: which there are, and until when. Each answers, and returns true.
import { Bytes } from "../resp/bytes";
import { integerRead, readInteger } from "../resp/command";
import { MOST_ANSWER } from "../resp/limits";
import { SYNTAX, WRONG_NUMBER, answer, bounded, command, fail, find, now, table } from "./context";
import { globMatches } from "./glob";
import { Entry } from "./table";
import { MOST_SECONDS } from "./values";

/** Buckets that a SCAN looks at in one go, unless COUNT says otherwise; and at most. */
const SCAN_COUNT: i64 = 10;
const MOST_SCAN: i64 = 10_000;

export function del(): bool {
  let count: i64 = 0;
  for (let i: u32 = 1; i < command.count; i++) {
    const entry = find(i);
    if (entry === null) continue;
    table.remove(entry);
    count++;
  }
  answer.integer(count);
  return true;
}

export function exists(): bool {
  let count: i64 = 0;
  for (let i: u32 = 1; i < command.count; i++) if (find(i) !== null) count++;
  answer.integer(count);
  return true;
}

const found = new Bytes(MOST_ANSWER);
let foundCount: i32 = 0;

/** Adds the keys of a bucket that match the pattern in word `pattern` (0: all do) to `found`. */
function gather(bucket: u32, pattern: u32): void {
  let entry = table.bucket(bucket);
  while (entry !== null) {
    if (entry.expires == 0 || entry.expires > now) gatherOne(entry, pattern);
    entry = entry.next;
  }
}

function gatherOne(entry: Entry, pattern: u32): void {
  const key = changetype<usize>(entry.key);
  if (pattern != 0 && !globMatches(command.at(pattern), command.size(pattern), key, entry.key.length)) return;
  found.bulk(key, entry.key.length);
  foundCount++;
}

export function keys(): bool {
  found.clear();
  foundCount = 0;
  for (let i: u32 = 0; i < table.bucketCount && !found.overflowed; i++) gather(i, 1);
  return tellFound(answer.length);
}

/** SCAN cursor [MATCH pattern] [COUNT count] */
export function scan(): bool {
  if (!readInteger(command.at(1), command.size(1)) || integerRead() < 0) return fail("ERR invalid cursor");
  let cursor = <u32>integerRead();
  let count = SCAN_COUNT;
  let pattern: u32 = 0;
  for (let i: u32 = 2; i < command.count; i += 2) {
    const option = command.name(i);
    if (i + 1 == command.count) return fail(SYNTAX);
    if (option == "MATCH") {
      pattern = i + 1;
    } else if (option == "COUNT") {
      if (!readInteger(command.at(i + 1), command.size(i + 1))) return fail(WRONG_NUMBER);
      count = integerRead();
      if (count < 1) return fail(SYNTAX);
    } else return fail(SYNTAX);
  }
  found.clear();
  foundCount = 0;
  for (let left = min(count, MOST_SCAN); left > 0; left--) {
    gather(cursor & (table.bucketCount - 1), pattern);
    cursor = table.nextCursor(cursor);
    if (cursor == 0) break;
  }
  const start = answer.length;
  answer.array(2).bulkText(cursor.toString());
  return tellFound(start);
}

function tellFound(start: u32): bool {
  if (found.overflowed) answer.overflowed = true;
  else answer.array(foundCount).add(found.at, found.length);
  return bounded(start);
}

export function expire(unit: i64): bool {
  if (!readInteger(command.at(2), command.size(2))) return fail(WRONG_NUMBER);
  const life = integerRead();
  if (life > (MOST_SECONDS * 1000) / unit || life < (-MOST_SECONDS * 1000) / unit) {
    return fail(`ERR invalid expire time in '${command.text(0).toLowerCase()}' command`);
  }
  const entry = find(1);
  if (entry === null) {
    answer.integer(0);
    return true;
  }
  if (life <= 0) table.remove(entry);
  else table.setExpiry(entry, now + <u64>(life * unit));
  answer.integer(1);
  return true;
}

/** -2: no such key; -1: it has no end. Seconds are rounded as Redis does it. */
export function ttl(unit: u64): bool {
  const entry = find(1);
  if (entry === null) answer.integer(-2);
  else if (entry.expires == 0) answer.integer(-1);
  else answer.integer(<i64>((entry.expires - now + unit / 2) / unit));
  return true;
}

export function persist(): bool {
  const entry = find(1);
  const had = entry !== null && entry.expires != 0;
  if (entry !== null) table.setExpiry(entry, 0);
  answer.integer(had ? 1 : 0);
  return true;
}

export function type(): bool {
  answer.status(find(1) === null ? "none" : "string");
  return true;
}

export function dbsize(): bool {
  table.expireSome(now, table.bucketCount);
  answer.integer(table.count);
  return true;
}

export function flush(): bool {
  table.clear();
  answer.status("OK");
  return true;
}
