// What forkd hears of the ports on which a process waits for datagrams.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE } from "../../../tools/forkd/family/mailbox.ts";
import { listeningOf, type Listening } from "../../../tools/forkd/family/network_messages.ts";
import { post, sentBy } from "./by_hand.ts";
import { Process } from "./process.ts";

const UDP = 17;

/** What the process has said of its ports since the last time. */
function said(process: Process): (Listening | undefined)[] {
  return sentBy(process).flatMap(({ type, payload }) => (type === MESSAGE.listening ? [listeningOf(payload)] : []));
}

const serves = (port: number, weight = 1): Listening => ({ port, protocol: UDP, weight });

test("who waits for datagrams to a port that it has named says so, once, and when it closes", async () => {
  const process = await Process.first(1);
  const [named, other] = [53, 5353].map((port) => process.call("datagramSocket", port));
  const chosen = process.call("datagramSocket", 0);
  assert.deepEqual(said(process), []);
  for (const socket of [named, named, chosen]) process.call("udpPollEvents", socket ?? 0);
  assert.deepEqual(said(process), [serves(53)]);
  process.call("udpClose", other ?? 0);
  process.call("udpClose", chosen);
  assert.deepEqual(said(process), []);
  process.call("udpClose", named ?? 0);
  assert.deepEqual(said(process), [serves(53, 0)]);
});

test("a child says it for itself, and a forkd that has begun anew hears it again", async () => {
  const parent = await Process.first(1);
  const socket = parent.call("datagramSocket", 53);
  parent.call("udpPollEvents", socket);
  said(parent);
  const child = parent.fork(2);
  post(child, MESSAGE.listening, new Uint8Array(0));
  assert.deepEqual(said(child), [{ port: 0, protocol: 0, weight: 0 }]);
  child.call("udpPollEvents", socket);
  assert.deepEqual(said(child), [serves(53)]);
  for (const process of [parent, child]) {
    post(process, MESSAGE.listening, new Uint8Array(0));
    assert.deepEqual(said(process), [serves(53), { port: 0, protocol: 0, weight: 0 }]);
  }
});

test("without forkd it is said later, unless it is over by then", async () => {
  const process = await Process.first(1);
  process.call("served", false);
  const sockets = [1, 2, 3].map((port) => process.call("datagramSocket", port));
  for (const socket of sockets) process.call("udpPollEvents", socket);
  process.call("udpClose", sockets[1] ?? 0);
  assert.deepEqual(said(process), []);
  process.call("served", true);
  process.event();
  assert.deepEqual(said(process), [serves(2, 0), serves(1), serves(3)]);
});
