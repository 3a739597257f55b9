// The trace of connections on the console: SO_DEBUG and tcp-trace=<port>.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { type Process, runApp } from "./machine.ts";

const [SOL_SOCKET, SO_DEBUG] = [1, 1];
const PORT = 9000;
const TEXT = 1234;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

/** A connection over the loopback interface whose client sends TEXT bytes and ends first; its local port. */
function* exchange(process: Process, isTraced: (socket: "listener" | "client") => boolean): Piece<void> {
  const listener = yield* process.socket("tcp");
  if (isTraced("listener")) yield* debug(process, listener);
  assert.equal(yield* process.bind(listener, PORT), 0);
  assert.equal(yield* process.call("posix_listen", listener, 4), 0);
  const client = yield* process.socket("tcp");
  if (isTraced("client")) yield* debug(process, client);
  assert.equal(yield* process.connect(client, "127.0.0.1", PORT), 0);
  const server = yield* process.call("posix_accept", listener, 0, 0);
  assert.equal(yield* process.call("posix_sendto", client, BUFFER, TEXT, 0, 0), TEXT);
  yield* process.sleep(1);
  assert.equal(yield* process.call("posix_read", server, BUFFER, 4096), TEXT);
  yield* process.call("posix_close", client);
  yield* process.sleep(1);
  yield* process.call("posix_close", server);
  yield* process.sleep(1);
}

function* debug(process: Process, fd: number): Piece<void> {
  process.put(BUFFER, Buffer.from(Int32Array.of(1).buffer));
  assert.equal(yield* process.call("posix_setsockopt", fd, SOL_SOCKET, SO_DEBUG, BUFFER, 4), 0);
  process.put(BUFFER, Buffer.alloc(4));
  assert.equal(yield* process.call("posix_getsockopt", fd, SOL_SOCKET, SO_DEBUG, BUFFER, 4), 4);
  assert.equal(process.get(BUFFER, 4).readInt32LE(), 1);
}

/** The traced changes of a console: "CLOSED -> SYN_SENT", by the local port. */
function changes(console: string): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const [, port, change] of console.matchAll(/tcp: 127\.0\.0\.1:(\d+) 127\.0\.0\.1:\d+ (\w+ -> \w+), out/g)) {
    found.set(Number(port), [...(found.get(Number(port)) ?? []), change ?? ""]);
  }
  return found;
}

const CLIENT = ["CLOSED -> SYN_SENT", "SYN_SENT -> ESTABLISHED", "ESTABLISHED -> FIN_WAIT_1"];
const CLIENT_END = ["FIN_WAIT_1 -> FIN_WAIT_2", "FIN_WAIT_2 -> TIME_WAIT"];
const SERVER = ["SYN_RECEIVED -> ESTABLISHED", "ESTABLISHED -> CLOSE_WAIT", "CLOSE_WAIT -> LAST_ACK"];
const SERVER_END = ["LAST_ACK -> CLOSED"];

test("SO_DEBUG traces a connection, of a listener those that it accepts", () => {
  const ofListener = runApp(kernel, (process) => exchange(process, (socket) => socket === "listener"));
  assert.deepEqual([...changes(ofListener)], [[PORT, [...SERVER, ...SERVER_END]]]);
  assert.match(ofListener, /ESTABLISHED -> CLOSE_WAIT, out 0 in 1234 bytes, window \d+, \d+ us, 0 sent again/);
  const ofClient = [...changes(runApp(kernel, (process) => exchange(process, (socket) => socket === "client")))];
  assert.deepEqual(
    ofClient.map(([, of]) => of),
    [[...CLIENT, ...CLIENT_END]],
  );
});

test("tcp-trace= traces all connections with the port at either end, and nothing else does", () => {
  const run = (options: string): string => runApp(kernel, (process) => exchange(process, () => false), {}, 16, options);
  assert.equal(changes(run(`tcp-trace=${PORT}`)).size, 2);
  assert.equal(changes(run(`tcp-trace=${PORT + 1}`)).size, 0);
  assert.equal(changes(run("")).size, 0);
  assert.match(run("tcp-trace=http"), /tcp-trace=http is not understood: a port/);
});
