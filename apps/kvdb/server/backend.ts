// A backend: one client's process. It reads commands, answers what concerns nobody else, sends the rest to the store and passes the answers
// on, in the order of the commands. Commands that have come together go to the store together. It may wait for its client, for the
// store, for both; nobody waits for it.
import { EINTR, IPPROTO_TCP, MSG_NOSIGNAL, PIPE_BUF, POLLIN, SIGCHLD, SIGHUP, SIGTERM, SIGUSR1, SIG_DFL, SIG_IGN, SOL_SOCKET, SO_KEEPALIVE, SO_RCVTIMEO, SO_SNDTIMEO, TCP_NODELAY, close, errno, getpid, poll, pollfd, read, recv, send, setSocketOption, setSocketTimeout, signal, write } from "karyon"; // prettier-ignore
import { options } from "../options";
import { Bytes } from "../resp/bytes";
import { Command } from "../resp/command";
import { MOST_ANSWER, MOST_COMMAND } from "../resp/limits";
import { ANSWER_HEADER, FRAME_ANSWERS, FRAME_LAST, FRAME_LISTENS, FRAME_PUSH, GREETING, REQUEST_HEADER } from "./frame";
import { becomeBackend, slots } from "./slots";

/** Milliseconds that a client may take for any byte of its answers. */
const SEND_TIMEOUT: u32 = 30_000;
/** Bytes that are received in one go. */
const RECEIVE_SIZE: u32 = 4096;
/** Commands that go to the store together. */
const MOST_TOGETHER: u32 = 64;
/** Bytes of answers that go out before more is done. */
const FLUSH_SIZE: u32 = 16 * 1024;

const input = new Bytes(MOST_COMMAND + RECEIVE_SIZE);
const output = new Bytes(MOST_ANSWER * 2 + FLUSH_SIZE);
const requests = new Bytes(MOST_COMMAND + 2 * PIPE_BUF);
const incoming = new Bytes(MOST_ANSWER * 2);
const command = new Command();
/** Two entries: the client and the store. */
const entries = memory.data(16, 8);
let client: i32 = -1;
let toStore: i32 = -1;
let fromStore: i32 = -1;
let session: u32 = 0;
/** Requests without an answer yet. */
let asked: u32 = 0;
/** The store may say something without being asked. */
let listens: bool = false;
let ending: bool = false;

/** Serves the client at `descriptor` to its end, in place `slot`. Returns an exit status. */
export function serveClient(descriptor: i32, slot: i32, id: u32, peer: string): i32 {
  signal(SIGTERM, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  signal(SIGHUP, SIG_IGN);
  signal(SIGUSR1, SIG_IGN);
  becomeBackend(slot);
  client = descriptor;
  toStore = slots[slot].requests[1];
  fromStore = slots[slot].answers[0];
  session = id;
  setSocketOption(client, IPPROTO_TCP, TCP_NODELAY, 1);
  setSocketOption(client, SOL_SOCKET, SO_KEEPALIVE, 1);
  setSocketTimeout(client, SO_SNDTIMEO, SEND_TIMEOUT);
  if (options.timeout > 0) setSocketTimeout(client, SO_RCVTIMEO, <u32>options.timeout * 1000);
  greet(peer);
  while (!ending) {
    const spoken = wait();
    if (spoken) receive();
    takeCommands();
    flush();
  }
  close(client);
  return 0;
}

/** Tells the store who is there. */
function greet(peer: string): void {
  const at = requests.reserve(REQUEST_HEADER + 5);
  store<u32>(at, 5 + peer.length);
  store<u32>(at, session, 4);
  store<u8>(at, GREETING, 8);
  store<i32>(at, getpid(), 9);
  requests.grew(REQUEST_HEADER + 5);
  requests.text(peer);
  sendRequests();
}

/** Waits for the client, and where the store may speak unasked, for that too: passes it on. Whether the client has said something. */
function wait(): bool {
  if (!listens) return true;
  const speaks = changetype<pollfd>(entries);
  const tells = changetype<pollfd>(entries + offsetof<pollfd>());
  speaks.fd = client;
  speaks.events = POLLIN;
  speaks.revents = 0;
  tells.fd = fromStore;
  tells.events = POLLIN;
  tells.revents = 0;
  poll(entries, 2, -1);
  if (tells.revents != 0) takeFrame();
  return speaks.revents != 0;
}

function receive(): void {
  const to = input.reserve(RECEIVE_SIZE);
  const count = to == 0 ? 0 : recv(client, to, RECEIVE_SIZE);
  if (count > 0) input.grew(<u32>count);
  else if (count == 0 || errno != EINTR) ending = true;
}

/** Does all commands that are complete. */
function takeCommands(): void {
  while (!ending) {
    const used = command.parse(input.at, input.length);
    if (used == 0) break;
    if (used < 0) {
      settle();
      output.error(`ERR Protocol error: ${command.complaint}`);
      ending = true;
      break;
    }
    if (command.count > 0) perform(<u32>used);
    input.drop(<u32>used);
  }
  settle();
}

function perform(used: u32): void {
  const name = command.name(0);
  if (name == "PING" && command.count <= 2) {
    settle();
    if (command.count == 1) output.status("PONG");
    else output.bulk(command.at(1), command.size(1));
  } else if (name == "ECHO" && command.count == 2) {
    settle();
    output.bulk(command.at(1), command.size(1));
  } else if (name == "QUIT") {
    settle();
    output.status("OK");
    ending = true;
  } else if (name == "SELECT" && command.count == 2) {
    settle();
    if (command.text(1) == "0") output.status("OK");
    else output.error("ERR DB index is out of range");
  } else if (name == "COMMAND") {
    settle();
    output.array(0);
  } else if (name == "HELLO" || name == "AUTH") {
    settle();
    output.error(name == "AUTH" ? "ERR there are no passwords" : "NOPROTO unsupported protocol version");
  } else if (name == "ECHO" || name == "PING" || name == "SELECT") {
    settle();
    output.error(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
  } else {
    ask(used);
  }
}

/** Sends the command to the store, soon. */
function ask(used: u32): void {
  if (asked == MOST_TOGETHER || (asked > 0 && requests.length + used > PIPE_BUF)) settle();
  const start = requests.length;
  requests.reserve(REQUEST_HEADER);
  requests.grew(REQUEST_HEADER);
  if (load<u8>(input.at) == 42) requests.add(input.at, used);
  else {
    requests.array(command.count);
    for (let i: u32 = 0; i < command.count; i++) requests.bulk(command.at(i), command.size(i));
  }
  const at = requests.at + start;
  store<u32>(at, requests.length - start - REQUEST_HEADER);
  store<u32>(at, session, 4);
  asked++;
}

/** Sends what the store is to be asked, and waits for all its answers. */
function settle(): void {
  if (asked == 0) return;
  sendRequests();
  while (asked > 0 && !ending) {
    takeFrame();
    if (output.length >= FLUSH_SIZE) flush();
  }
}

// What goes together fits into the pipe, which is empty: nobody waits for anybody then. What is larger is one command, and the store
// takes it as it comes.
function sendRequests(): void {
  while (requests.length > 0 && !ending) {
    const count = write(toStore, requests.at, requests.length);
    if (count > 0) requests.drop(<u32>count);
    else if (errno != EINTR) ending = true;
  }
}

/** Takes the next frame from the store, waiting for it. */
function takeFrame(): void {
  if (!fill(ANSWER_HEADER)) return;
  const length = load<u32>(incoming.at);
  const flags = load<u32>(incoming.at, 8);
  const known = load<u32>(incoming.at, 4) == session;
  if (!fill(ANSWER_HEADER + length)) return;
  // What the store had for an earlier client of this place is nobody's.
  if (known) {
    output.add(incoming.at + ANSWER_HEADER, length);
    if ((flags & FRAME_PUSH) == 0 && asked > 0) asked--;
    if ((flags & FRAME_LISTENS) != 0) listens = true;
    if ((flags & FRAME_ANSWERS) != 0) listens = false;
    if ((flags & FRAME_LAST) != 0) ending = true;
  }
  incoming.drop(ANSWER_HEADER + length);
}

/** Reads until `count` bytes have come from the store; false when none come any more. */
function fill(count: u32): bool {
  while (incoming.length < count) {
    const to = incoming.reserve(RECEIVE_SIZE);
    const got = to == 0 ? 0 : read(fromStore, to, RECEIVE_SIZE);
    if (got > 0) incoming.grew(<u32>got);
    else if (to == 0 || got == 0 || errno != EINTR) {
      ending = true;
      return false;
    }
  }
  return true;
}

/** Sends the answers to the client. */
function flush(): void {
  while (output.length > 0) {
    const count = send(client, output.at, output.length, MSG_NOSIGNAL);
    if (count > 0) output.drop(<u32>count);
    else if (count == 0 || errno != EINTR) {
      ending = true;
      output.clear();
    }
  }
}
