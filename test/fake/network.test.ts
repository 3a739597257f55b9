// Kernel, netfront and the network stack together on the fake Xen: from boot to bytes that arrive.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import { Host, type Guest, type GuestSettings } from "../../tools/fake-xen/host.ts";
import type { Weather } from "../../tools/fake-xen/hub.ts";
import { fakeKernel } from "../support/fake.ts";
import { writePcap } from "../support/pcap.ts";
import { BUFFER, Calls } from "./calls.ts";
import { GUEST_IP, GUEST_MAC, PEER_IP, Peer } from "./peer.ts";

const kernel = await fakeKernel();

function boot(settings: GuestSettings = {}): { host: Host; guest: Guest; peer: Peer } {
  const host = new Host(kernel, 1);
  const peer = new Peer(host.world, host.hub);
  const guest = host.create({ commandLine: `ip=${GUEST_IP}/24`, network: { mac: GUEST_MAC }, ...settings });
  guest.awaitConsole("connected to domain 0");
  return { host, guest, peer };
}

test("boots, connects and answers pings of every size", () => {
  const { host, guest, peer } = boot();
  peer.awaitReply();
  for (const size of [0, 1, 63, 1000, 1472]) peer.ping(1000 + size, size);
  host.world.pass(1e9);
  assert.deepEqual(
    peer.replies.filter((sequence) => sequence >= 1000),
    [1000, 1001, 1063, 2000, 2472],
  );
  assert.match(guest.console, /address 00:16:3e:00:00:01, MTU 1500/);
});

test("runs in four MiB", () => {
  const { peer } = boot({ memory: 4 });
  peer.awaitReply();
});

test("takes MAC and MTU from xenstore", () => {
  const { guest } = boot({ network: { mac: "00:16:3e:11:22:33", mtu: 1400 } });
  assert.match(guest.console, /address 00:16:3e:11:22:33, MTU 1400/);
});

for (const split of [true, false]) {
  test(`echoes UDP with ${split ? "split event channels" : "one event channel"}`, () => {
    const app = (domain: Domain) => new Calls(domain).udpEcho(7);
    const { host, peer } = boot({ app, network: { mac: GUEST_MAC, split } });
    peer.announce();
    const sent = Array.from({ length: 50 }, (_, i) => Buffer.alloc(1 + i * 29, i));
    for (const data of sent) {
      peer.sendUdp(7, data);
      host.world.pass(1e6);
    }
    host.world.pass(1e9);
    assert.deepEqual(peer.datagrams, sent);
  });
}

test("without a device the app runs, and one attached later is connected", () => {
  const host = new Host(kernel, 1);
  const guest = host.create({ commandLine: `ip=${GUEST_IP}/24` });
  guest.awaitConsole("no network device");
  host.world.pass(1e9);
  guest.plug({ mac: GUEST_MAC });
  guest.awaitConsole("connected to domain 0");
});

// ---- the end of an app ----

/** An app that sends a datagram after 20 s and ends at once. */
function lastWords(text: string): (domain: Domain) => App {
  return function* (domain) {
    const calls = new Calls(domain);
    yield* calls.sleep(20);
    const fd = yield* calls.socket("udp");
    yield* calls.connect(fd, PEER_IP, 9);
    calls.put(BUFFER, Buffer.from(text));
    yield* calls.call("posix_sendto", fd, BUFFER, text.length, 0, 0);
    return 0;
  };
}

for (const known of [true, false]) {
  test(`an app's last datagram has left when the domain goes, its neighbour ${known ? "known" : "not yet known"}`, () => {
    const { host, guest, peer } = boot({ app: lastWords("farewell") });
    if (known) peer.awaitReply();
    host.world.runUntil(() => guest.domain.shutdown !== undefined, 40e9);
    const left = guest.netback?.counts.transmitted;
    host.world.pass(1e9); // to the peer
    assert.equal(guest.netback?.counts.transmitted, left);
    assert.deepEqual(peer.datagrams.map(String), ["farewell"]);
    assert.match(guest.console, /exit status 0/);
  });
}

test("a back end that answers for nothing keeps no domain for long", () => {
  const { host, guest, peer } = boot({ app: lastWords("farewell") });
  peer.awaitReply();
  guest.netback?.holdTransmitted();
  const begin = host.world.now;
  host.world.runUntil(() => guest.domain.shutdown !== undefined, 40e9);
  const lasted = Number(host.world.now - begin) / 1e9;
  assert.ok(lasted > 25 && lasted < 31, `${lasted} s`);
});

// ---- TCP between two fakes ----

const TRANSFER = 400_000;

function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255));
}

function* server(domain: Domain, seen: (data: Buffer) => void): App {
  const calls = new Calls(domain);
  const listener = yield* calls.socket("tcp");
  yield* calls.bind(listener, 80);
  yield* calls.call("posix_listen", listener, 8);
  const fd = yield* calls.call("posix_accept", listener, 0, 0);
  for (;;) {
    const length = yield* calls.call("posix_recvfrom", fd, BUFFER, 65536, 0, 0);
    if (length <= 0) return -length;
    seen(calls.get(BUFFER, length));
  }
}

function* client(domain: Domain, data: Buffer): App {
  const calls = new Calls(domain);
  const fd = yield* calls.socket("tcp");
  yield* calls.sleep(2); // both networks are up by then
  const connected = yield* calls.connect(fd, "10.0.0.2", 80);
  if (connected < 0) return -connected;
  for (let at = 0; at < data.length;) {
    calls.put(BUFFER, data.subarray(at, at + 65536));
    const sent = yield* calls.call("posix_sendto", fd, BUFFER, Math.min(65536, data.length - at), 0, 0);
    if (sent < 0) return -sent;
    at += sent;
  }
  // It stays until the receiver is done, however long the network takes: the kernel would wait for ten seconds only.
  return -(yield* calls.call("posix_close", fd)) + 0 * (yield* calls.sleep(600));
}

function transfer(seed: number, weather: Partial<Weather>, segmentation = true): Host {
  const host = new Host(kernel, seed);
  host.hub.weather = { ...host.hub.weather, ...weather };
  const data = pattern(TRANSFER);
  const received = createHash("sha256");
  let count = 0;
  const seen = (part: Buffer): void => {
    received.update(part);
    count += part.length;
  };
  const network = (mac: string) => ({ mac, segmentation });
  const options = { app: (domain: Domain) => server(domain, seen), network: network(GUEST_MAC) };
  const receiver = host.create({ ...options, commandLine: "ip=10.0.0.2/24" });
  const sender = host.create({
    commandLine: "ip=10.0.0.3/24",
    network: network("00:16:3e:00:00:03"),
    app: (domain) => client(domain, data),
  });
  try {
    host.world.runUntil(() => receiver.domain.shutdown !== undefined, 600e9);
    assert.equal(count, TRANSFER);
    assert.equal(received.digest("hex"), createHash("sha256").update(data).digest("hex"));
    assert.match(receiver.console, /exit status 0/);
  } catch (error) {
    writePcap(`fake-transfer-${seed}`, host.hub.capture);
    console.error(`${receiver.console}\n${sender.console}\nseed ${seed}, ${count} bytes came`);
    throw error;
  }
  return host;
}

test("TCP transfer in merged segments of up to 64 KiB", () => {
  const host = transfer(1, {});
  assert.ok(host.hub.capture.some((frame) => frame.data.length > 20_000));
});

test("TCP transfer without segmentation offload", () => {
  const host = transfer(1, {}, false);
  assert.ok(host.hub.capture.every((frame) => frame.data.length <= 1514));
});

for (const seed of [1, 2, 3]) {
  test(`TCP transfer under loss, duplication and reordering, seed ${seed}`, () => {
    const host = transfer(seed, { loss: 0.15, duplication: 0.02, reordering: 0.05, jitter: 100_000 }, seed !== 2);
    assert.ok(host.hub.lost > 0);
  });
}
