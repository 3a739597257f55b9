// The store without its pipes: sessions that begin, ask and end; the commands that concern clients rather than data; and who hears of what
// without having asked (MONITOR, SUBSCRIBE).
import { CLOCK_REALTIME, clock_gettime, getpid, getrandom, timespec } from "karyon";
import { now } from "../clock";
import { Bytes } from "../resp/bytes";
import { Command, latin1 } from "../resp/command";
import { MOST_ANSWER } from "../resp/limits";
import { options } from "../options";
import { ANSWER_HEADER, FRAME_ANSWERS, FRAME_LAST, FRAME_LISTENS, FRAME_PUSH } from "../server/frame";
import { answeredArity, execute } from "./commands";
import { hits, misses, useTable, wrongNumber } from "./context";
import { Session } from "./session";
import { Table } from "./table";

const MEBIBYTE: usize = 1024 * 1024;
/** Channels of a session, and bytes of a channel's or a client's name. */
const MOST_CHANNELS: i32 = 64;
const MOST_NAME: u32 = 64;
/** Bytes of a word that MONITOR shows. */
const MOST_SHOWN: u32 = 64;

/** Sessions by slot, null where there is none. */
export const sessions: (Session | null)[] = [];
export let table: Table = new Table(0, 0);
const command = new Command();
const answer = new Bytes(MOST_ANSWER);
const push = new Bytes(MOST_ANSWER);
const farewell = new Bytes(64);
const time = new timespec();
const seed = memory.data(8, 8);
let started: u64 = 0;
let sessionCount: u64 = 0;
let commandCount: u64 = 0;

/** Begins with no data, and places for `slots` sessions. */
export function serviceStart(slots: i32): void {
  started = now();
  getrandom(seed, 4);
  table = new Table(<usize>options.maxMemory * MEBIBYTE, load<u32>(seed));
  useTable(table);
  sessions.length = 0;
  for (let i = 0; i < slots; i++) sessions.push(null);
}

/** Session `id` begins in `slot`; whoever was there before has gone. */
export function sessionBegin(slot: i32, id: u32, pid: i32, peer: string): Session {
  const session = new Session(id, now());
  session.pid = pid;
  session.peer = peer;
  session.last = now();
  sessions[slot] = session;
  sessionCount++;
  return session;
}

/** Session `id` in `slot` has ended. */
export function sessionEnd(slot: i32, id: u32): void {
  const session = sessions[slot];
  if (session !== null && session.id == id) sessions[slot] = null;
}

/** Does the command that the `length` bytes at `from` are, and queues the answer. */
export function sessionAsks(session: Session, from: usize, length: u32): void {
  answer.clear();
  let flags: u32 = 0;
  if (command.parse(from, length) != <i32>length || command.count == 0) {
    answer.error("ERR Protocol error: not one command");
    flags = FRAME_LAST;
  } else {
    commandCount++;
    session.commands++;
    session.last = now();
    session.lastCommand = command.name(0).toLowerCase();
    tellMonitors(session);
    if (!execute(command, answer, now()) && !answeredArity()) flags = serve(session);
  }
  frame(session, flags, answer);
}

function frame(session: Session, flags: u32, bytes: Bytes): void {
  const at = session.output.reserve(ANSWER_HEADER + bytes.length);
  if (at == 0) return;
  store<u32>(at, bytes.length);
  store<u32>(at, session.id, 4);
  store<u32>(at, flags, 8);
  memory.copy(at + ANSWER_HEADER, bytes.at, bytes.length);
  session.output.grew(ANSWER_HEADER + bytes.length);
}

/** Sends `push` to a session that has not asked; one that does not take what it gets is let go. */
function pushTo(session: Session): void {
  const before = session.late;
  if (session.mayHear(ANSWER_HEADER + push.length)) return frame(session, FRAME_PUSH, push);
  if (before) return;
  farewell.clear();
  farewell.error("ERR you do not take what you wanted to hear");
  frame(session, FRAME_PUSH | FRAME_LAST, farewell);
}

/** Commands about clients. Returns FRAME_* bits. */
function serve(session: Session): u32 {
  const name = command.name(0);
  if (name == "INFO") return info();
  if (name == "CLIENT") return client(session);
  if (name == "PUBLISH") return publish();
  if (name == "SUBSCRIBE") return subscribe(session);
  if (name == "UNSUBSCRIBE") return unsubscribe(session);
  if (name == "MONITOR") {
    session.monitors = true;
    answer.status("OK");
    return FRAME_LISTENS;
  }
  answer.error(`ERR unknown command '${printable(command, 0)}'`);
  return 0;
}

/** Word `i` with nothing in it that an error or a line may not contain. */
function printable(words: Command, i: u32): string {
  let text = "";
  for (let k: u32 = 0; k < min(words.size(i), MOST_SHOWN); k++) {
    const byte = load<u8>(words.at(i) + k);
    text += byte > 32 && byte < 127 ? String.fromCharCode(byte) : "?";
  }
  return text;
}

function info(): u32 {
  let clients = 0;
  for (let i = 0; i < sessions.length; i++) if (sessions[i] !== null) clients++;
  const text =
    `# Server\r\nkvdb_version:1\r\nprocess_id:${getpid()}\r\nuptime_in_seconds:${(now() - started) / 1000}\r\n` +
    `\r\n# Clients\r\nconnected_clients:${clients}\r\nmaxclients:${options.maxClients}\r\n` +
    `\r\n# Memory\r\nused_memory:${table.bytes}\r\nmaxmemory:${table.limit}\r\n` +
    `\r\n# Stats\r\ntotal_connections_received:${sessionCount}\r\ntotal_commands_processed:${commandCount}\r\n` +
    `expired_keys:${table.expired}\r\nkeyspace_hits:${hits}\r\nkeyspace_misses:${misses}\r\n` +
    `\r\n# Keyspace\r\n${table.count == 0 ? "" : `db0:keys=${table.count},expires=${table.expiring}\r\n`}`;
  answer.bulkText(text);
  return 0;
}

function client(session: Session): u32 {
  const what = command.count > 1 ? command.name(1) : "";
  if (what == "LIST" && command.count == 2) {
    let text = "";
    for (let i = 0; i < sessions.length; i++) {
      const other = sessions[i];
      if (other !== null) text += lineOf(other);
    }
    answer.bulkText(text);
  } else if (what == "ID" && command.count == 2) {
    answer.integer(session.id);
  } else if (what == "GETNAME" && command.count == 2) {
    if (session.name.length == 0) answer.none();
    else answer.bulkText(session.name);
  } else if (what == "SETNAME" && command.count == 3) {
    const name = printable(command, 2);
    if (command.size(2) > MOST_NAME || name.includes("?")) {
      answer.error("ERR Client names cannot contain spaces, newlines or special characters.");
    } else {
      session.name = name;
      answer.status("OK");
    }
  } else if (what == "SETINFO" && command.count == 4) {
    answer.status("OK");
  } else {
    answer.error("ERR CLIENT takes LIST, ID, GETNAME, SETNAME name");
  }
  return 0;
}

function lineOf(session: Session): string {
  const age = (now() - session.since) / 1000;
  const idle = (now() - session.last) / 1000;
  const mode = session.monitors ? "O" : session.channels.length > 0 ? "P" : "N";
  return (
    `id=${session.id} addr=${session.peer} pid=${session.pid} name=${session.name} age=${age} idle=${idle} flags=${mode} ` +
    `sub=${session.channels.length} tot-cmds=${session.commands} cmd=${session.lastCommand}\n`
  );
}

/** Every session that monitors hears of the command, as Redis shows it. */
function tellMonitors(asker: Session): void {
  let any: bool = false;
  for (let i = 0; i < sessions.length && !any; i++) {
    const session = sessions[i];
    any = session !== null && session.monitors;
  }
  if (!any) return;
  clock_gettime(CLOCK_REALTIME, time);
  push.clear();
  push.text(`+${time.tv_sec}.${(time.tv_nsec / 1000).toString().padStart(6, "0")} [0 ${asker.peer}]`);
  for (let i: u32 = 0; i < min<u32>(command.count, 16); i++) {
    push.text(` "${printable(command, i)}${command.size(i) > MOST_SHOWN ? "..." : ""}"`);
  }
  push.text(command.count > 16 ? " ...\r\n" : "\r\n");
  for (let i = 0; i < sessions.length; i++) {
    const session = sessions[i];
    if (session !== null && session.monitors) pushTo(session);
  }
}

function subscribe(session: Session): u32 {
  if (command.count < 2) {
    answer.error(wrongNumber("subscribe"));
    return 0;
  }
  for (let i: u32 = 1; i < command.count; i++) {
    const channel = latin1(command.at(i), min(command.size(i), MOST_NAME + 1));
    if (<u32>channel.length > MOST_NAME || session.channels.length >= MOST_CHANNELS) {
      answer.error("ERR a client can have 64 channels, of names of 64 bytes");
      break;
    }
    if (!session.channels.includes(channel)) session.channels.push(channel);
    tellChannel("subscribe", channel, session);
  }
  return session.listens ? FRAME_LISTENS : 0;
}

function unsubscribe(session: Session): u32 {
  if (command.count == 1) {
    if (session.channels.length == 0) answer.array(3).bulkText("unsubscribe").none().integer(0);
    while (session.channels.length > 0) tellChannel("unsubscribe", session.channels.pop(), session);
  }
  for (let i: u32 = 1; i < command.count; i++) {
    const channel = latin1(command.at(i), min(command.size(i), MOST_NAME + 1));
    const at = session.channels.indexOf(channel);
    if (at >= 0) session.channels.splice(at, 1);
    tellChannel("unsubscribe", channel, session);
  }
  return session.listens ? 0 : FRAME_ANSWERS;
}

function tellChannel(kind: string, channel: string, session: Session): void {
  answer.array(3).bulkText(kind).bulkText(channel).integer(session.channels.length);
}

function publish(): u32 {
  if (command.count != 3) {
    answer.error(wrongNumber("publish"));
    return 0;
  }
  const channel = latin1(command.at(1), min(command.size(1), MOST_NAME + 1));
  let heard = 0;
  for (let i = 0; i < sessions.length; i++) {
    const session = sessions[i];
    if (session === null || !session.channels.includes(channel)) continue;
    push.clear();
    push.array(3).bulkText("message").bulkText(channel).bulk(command.at(2), command.size(2));
    pushTo(session);
    heard++;
  }
  answer.integer(heard);
  return 0;
}
