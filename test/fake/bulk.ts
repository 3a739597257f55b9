// Two guests on one hub: one sends text over TCP, connection after connection, the other collects it.
import assert from "node:assert/strict";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import { Host, type Guest } from "../../tools/fake-xen/host.ts";
import type { NetbackSettings } from "../../tools/fake-xen/netback.ts";
import { BUFFER, Calls } from "./calls.ts";
import { GUEST_MAC } from "./peer.ts";

/** Bytes of a message, if nothing else is said. */
export const MESSAGE = 60_000;
export const SENDER_MAC = "00:16:3e:00:00:03";

/** What the collector has got: each connection's bytes, of which all must be the same. */
export interface Received {
  readonly value: number;
  readonly length: number;
}

/** Accepts one connection after the other and reads it to its end. */
function* collector(domain: Domain, done: (received: Received) => void): App {
  const calls = new Calls(domain);
  const listener = yield* calls.socket("tcp");
  yield* calls.bind(listener, 80);
  yield* calls.call("posix_listen", listener, 8);
  for (;;) {
    const fd = yield* calls.call("posix_accept", listener, 0, 0);
    let value = -1;
    let length = 0;
    for (;;) {
      const count = yield* calls.call("posix_recvfrom", fd, BUFFER, 65536, 0, 0);
      if (count <= 0) break;
      const bytes = calls.get(BUFFER, count);
      if (value < 0) value = bytes[0] ?? -1;
      const byte = value;
      assert.ok(bytes.every((found) => found === byte));
      length += count;
    }
    yield* calls.call("posix_close", fd);
    done({ value, length });
  }
}

/** Opens `rounds` connections, one after the other, and sends `length` bytes of the round's number on each. */
function* sender(domain: Domain, rounds: number, length: number, begin: () => boolean): App {
  const calls = new Calls(domain);
  yield* calls.sleep(2); // both networks are up by then
  for (let round = 0; round < rounds; round++) {
    while (!begin()) yield* calls.sleep(0.1);
    const fd = yield* calls.socket("tcp");
    const connected = yield* calls.connect(fd, "10.0.0.2", 80);
    if (connected < 0) return -connected;
    calls.put(BUFFER, Buffer.alloc(MESSAGE, round));
    for (let left = length; left > 0;) {
      const sent = yield* calls.call("posix_sendto", fd, BUFFER, Math.min(left, MESSAGE), 0, 0);
      if (sent < 0) return -sent;
      left -= sent;
    }
    yield* calls.call("posix_close", fd);
  }
  yield* calls.sleep(3600);
  return 0;
}

export interface Scene {
  readonly host: Host;
  readonly sending: Guest;
  readonly received: Received[];
  /** How many connections the sender may begin. */
  allow: number;
  /** Waits until `count` connections have been received. */
  await(count: number): void;
  /** Waits until `count` more bytes have been on the wire. */
  awaitSent(count: number): void;
}

/** Options of scene. */
export interface SceneOptions {
  /** Connections, one after the other. */
  readonly rounds: number;
  /** Bytes that each of them carries; MESSAGE if absent. */
  readonly length?: number;
  /** MiB of the sender; 16 if absent. */
  readonly memory?: number;
  /** Of the sender's network device. */
  readonly network?: Partial<NetbackSettings>;
}

/** Boots both; the sender begins as soon as it can. */
export function scene(kernel: WebAssembly.Module, options: SceneOptions): Scene {
  const { rounds, length = MESSAGE, memory = 16 } = options;
  const host = new Host(kernel, 3);
  const received: Received[] = [];
  host.create({
    commandLine: "ip=10.0.0.2/24",
    network: { mac: GUEST_MAC },
    app: (domain) => collector(domain, (one) => void received.push(one)),
  });
  let begun = 0;
  const sending = host.create({
    memory,
    commandLine: "ip=10.0.0.3/24",
    network: { mac: SENDER_MAC, ...options.network },
    app: (domain) => sender(domain, rounds, length, () => begun < made.allow && ++begun > 0),
  });
  const made: Scene = {
    ...{ host, sending, received, allow: rounds },
    await: (count) => host.world.runUntil(() => received.length >= count, 600e9),
    awaitSent: (count) => {
      let seen = host.hub.capture.length;
      let left = count;
      host.world.runUntil(() => {
        for (; seen < host.hub.capture.length; seen++) left -= host.hub.capture[seen]!.data.length;
        return left <= 0;
      });
    },
  };
  return made;
}
