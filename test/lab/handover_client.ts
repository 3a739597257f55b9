// Clients of test/apps/handover, run in dom0 by handover.test.ts:
//   echo <address> <port>:<connections>:<bytes>:<seed>[:<depth>[:<pause>]]…
//       all at once, each at its own pace: sends bytes and checks that the same come back; a line of JSON for each. With a pause
//       (ms) it sends little at a time, and pauses as long at most
//   watch <address> <port>…
//       connects to each, and prints what comes and how it ends, a line each: "<index> <text>"
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../support/random.ts";

const TIMEOUT_MS = 240_000;
const LARGEST_PIECE = 20_000;
const SMALL_PIECE = 2000;
const LONGEST_PAUSE_MS = 60;

/** How one connection went. */
export interface Echoed {
  readonly port: number;
  readonly sent: number;
  readonly received: number;
  readonly equal: boolean;
  readonly error: string | undefined;
  readonly ms: number;
}

/** What a connection does. */
interface Order {
  readonly host: string;
  readonly port: number;
  readonly bytes: number;
  readonly seed: number;
  readonly depth: number;
  readonly pause: number;
}

async function echo({ host, port, bytes, seed, depth, pause }: Order): Promise<Echoed> {
  const random = new Random(seed);
  const begun = performance.now();
  const [there, back] = [createHash("sha256"), createHash("sha256")];
  let received = 0;
  let error: string | undefined;
  const socket = connect({ host, port, noDelay: random.between(0, 1) === 1 });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("nothing comes")));
  const ended = new Promise<void>((done) => socket.once("close", () => done()));
  socket.on("error", ({ message }) => (error = message));
  socket.on("data", (part) => {
    received += part.length;
    back.update(part);
  });
  if (depth > 0) socket.write(Uint8Array.of(depth));
  let sent = 0;
  while (sent < bytes && !socket.destroyed) {
    const piece = random.bytes(Math.min(random.between(1, pause > 0 ? SMALL_PIECE : LARGEST_PIECE), bytes - sent));
    there.update(piece);
    sent += piece.length;
    if (!socket.write(piece)) await Promise.race([ended, new Promise((done) => socket.once("drain", done))]);
    if (pause > 0) await sleep(random.between(0, pause));
    else if (random.between(0, 3) === 0) await sleep(random.between(0, LONGEST_PAUSE_MS));
  }
  socket.end();
  await ended;
  const equal = there.digest("hex") === back.digest("hex");
  return { port, sent, received, equal, error, ms: Math.round(performance.now() - begun) };
}

function watch(host: string, port: number, index: number): void {
  const socket = connect({ host, port });
  const say = (text: string): void => void process.stdout.write(`${index} ${text.trim()}\n`);
  socket.on("data", (part) => say(part.toString()));
  socket.on("connect", () => say("connected"));
  socket.on("end", () => say("ended"));
  socket.on("error", ({ message }) => say(`ended: ${message}`));
}

const [, , what, host = "", ...specifications] = process.argv;
if (what === "watch") specifications.forEach((port, i) => watch(host, Number(port), i));
else {
  const all = specifications.flatMap((specification) => {
    const [port = 0, connections = 0, bytes = 0, seed = 0, depth = 0, pause = 0] = specification.split(":").map(Number);
    const order = { host, port, bytes, depth, pause };
    return Array.from({ length: connections }, (_, i) => echo({ ...order, seed: seed + i }));
  });
  for (const one of await Promise.all(all)) process.stdout.write(`${JSON.stringify(one)}\n`);
}
