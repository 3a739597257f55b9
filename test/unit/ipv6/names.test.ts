// Name servers and search domains of router advertisements: for how long they hold, and how many.
import assert from "node:assert/strict";
import { test } from "node:test";
import { wireName } from "../dns/message.ts";
import { hex, ip6 } from "./frames.ts";
import { Host, routerAdvertisement } from "./host.ts";

/** Option 25 with these servers. */
function servers(seconds: number, ...addresses: readonly string[]): Buffer {
  const head = Buffer.from([25, 1 + 2 * addresses.length, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(seconds, 4);
  return Buffer.concat([head, ...addresses.map(ip6)]);
}

/** Option 31 with these domains. */
function searchList(seconds: number, ...domains: readonly string[]): Buffer {
  const names = Buffer.concat(domains.map(wireName));
  const units = 1 + Math.ceil(names.length / 8);
  const option = Buffer.alloc(units * 8);
  option.set([31, units]);
  option.writeUInt32BE(seconds, 4);
  option.set(names, 8);
  return option;
}

function advertise(host: Host, ...options: readonly Buffer[]): void {
  host.input(routerAdvertisement([], 1800, Buffer.concat(options)));
}

function known(host: Host): string[] {
  const found: string[] = [];
  for (let i = 0; ; i++) {
    const pointer = host.stack.call("ipv6NameServer", i, host.stack.now);
    if (pointer === 0) return found;
    found.push(host.shown(pointer));
  }
}

test("servers hold for their time; a lifetime of 0 takes those away that it names", async () => {
  const host = await Host.settled();
  advertise(host, servers(100, "fd00::1", "fd00::2"), servers(1000, "fd00::3"));
  assert.deepEqual(known(host), ["fd00::1", "fd00::2", "fd00::3"].map(hex));
  advertise(host, servers(0, "fd00::2"));
  assert.deepEqual(known(host), ["fd00::1", "fd00::3"].map(hex));
  host.pass(60_000);
  advertise(host, servers(100, "fd00::1"));
  host.pass(60_000);
  assert.deepEqual(known(host), ["fd00::1", "fd00::3"].map(hex));
  host.pass(41_000);
  assert.deepEqual(known(host), [hex("fd00::3")]);
  host.pass(1_000_000);
  assert.deepEqual(known(host), []);
  advertise(host, servers(0xffffffff, "fd00::4"));
  host.pass(100_000_000);
  assert.deepEqual(known(host), [hex("fd00::4")]);
});

test("of many servers those stay whose time is longest", async () => {
  const host = await Host.settled();
  advertise(host, servers(300, "fd00::1"), servers(200, "fd00::2"), servers(100, "fd00::3"));
  advertise(host, servers(50, "fd00::4"));
  assert.deepEqual(known(host).sort(), ["fd00::1", "fd00::2", "fd00::3"].map(hex));
  advertise(host, servers(400, "fd00::5"));
  assert.deepEqual(known(host).sort(), ["fd00::1", "fd00::2", "fd00::5"].map(hex));
  advertise(host, servers(1000, "::", "ff02::1", "::ffff:a00:1"));
  assert.deepEqual(known(host).sort(), ["fd00::1", "fd00::2", "fd00::5"].map(hex));
});

test("a search list holds for its time and is bounded", async () => {
  const host = await Host.settled();
  const length = (): number => host.stack.call("ipv6SearchListLength", host.stack.now);
  advertise(host, searchList(60, "a.example", "b.example"));
  assert.equal(length(), 24);
  host.pass(61_000);
  assert.equal(length(), 0);
  advertise(host, searchList(60, ...Array.from({ length: 100 }, (_, i) => `n${i}.example`)));
  assert.equal(length(), 256);
});

test("what routers have said of names ends with the link", async () => {
  const host = await Host.settled();
  advertise(host, servers(100, "fd00::1"), searchList(100, "a.example"));
  host.stack.call("interfaceLinkChanged", host.stack.now);
  assert.deepEqual(known(host), []);
  assert.equal(host.stack.call("ipv6SearchListLength", host.stack.now), 0);
});
