// The commands of the data by their names, and how many words each takes. The answers are Redis's.
import { Bytes } from "../resp/bytes";
import { Command } from "../resp/command";
import { answer, beginCommand, command, wrongNumber } from "./context";
import { dbsize, del, exists, expire, flush, keys, persist, scan, ttl, type } from "./keys";
import { add, addBy, append, get, mget, mset, set, strlen } from "./values";

/**
 * Does `words` at `time` (monotonic ms) and appends the answer to `to`. False when it is no command of the data; then nothing is
 * appended.
 */
export function execute(words: Command, to: Bytes, time: u64): bool {
  beginCommand(words, to, time);
  const name = words.name(0);
  if (name == "GET") return takes(2, 2) && get();
  if (name == "SET") return takes(3, 9) && set();
  if (name == "DEL" || name == "UNLINK") return takes(2, -1) && del();
  if (name == "EXISTS") return takes(2, -1) && exists();
  if (name == "INCR") return takes(2, 2) && add(1);
  if (name == "DECR") return takes(2, 2) && add(-1);
  if (name == "INCRBY") return takes(3, 3) && addBy(false);
  if (name == "DECRBY") return takes(3, 3) && addBy(true);
  if (name == "APPEND") return takes(3, 3) && append();
  if (name == "STRLEN") return takes(2, 2) && strlen();
  if (name == "MGET") return takes(2, -1) && mget();
  if (name == "MSET") return takes(3, -1) && mset();
  if (name == "KEYS") return takes(2, 2) && keys();
  if (name == "SCAN") return takes(2, 6) && scan();
  if (name == "EXPIRE") return takes(3, 3) && expire(1000);
  if (name == "PEXPIRE") return takes(3, 3) && expire(1);
  if (name == "TTL") return takes(2, 2) && ttl(1000);
  if (name == "PTTL") return takes(2, 2) && ttl(1);
  if (name == "PERSIST") return takes(2, 2) && persist();
  if (name == "TYPE") return takes(2, 2) && type();
  if (name == "DBSIZE") return takes(1, 1) && dbsize();
  if (name == "FLUSHALL" || name == "FLUSHDB") return takes(1, 2) && flush();
  return false;
}

/** Whether there are `least` … `most` words (-1: any); says so in the answer if not. */
let arityWrong: bool = false;
function takes(least: u32, most: i32): bool {
  arityWrong = command.count < least || (most >= 0 && command.count > <u32>most);
  if (arityWrong) answer.error(wrongNumber(command.text(0)));
  return !arityWrong;
}

/** Whether the command that execute() has just said no to was answered all the same, with an error about its words. */
export function answeredArity(): bool {
  const was = arityWrong;
  arityWrong = false;
  return was;
}
