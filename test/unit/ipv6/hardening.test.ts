// Neighbour discovery under attack (RFC 6583 and others): what a station of the link cannot do to us.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, icmp, ip6, packetFrame } from "./frames.ts";
import { Host, PEER, US, advertisement, brief, routerAdvertisement, solicitation } from "./host.ts";

const ENETUNREACH = 101;
const UDP = 17;

function send(host: Host, destination: string): number {
  const socket = host.stack.call("udpSocketCreate", true);
  const sent = host.stack.call(
    "udpSendTo",
    socket,
    host.stack.scratch,
    1,
    host.address(destination),
    9,
    host.stack.now,
  );
  host.stack.call("udpClose", socket);
  return sent;
}

/** True when a datagram to `address` leaves at once, because its station is known. */
function isKnown(host: Host, address: string): boolean {
  host.take();
  assert.equal(send(host, address), 1);
  return host.take().some(({ next, destination }) => next === UDP && destination === hex(address));
}

function nth(prefix: string, index: number): string {
  return `${prefix}::${(index >> 16).toString(16)}:${(index & 0xffff).toString(16)}`;
}

test("however many addresses of the link are asked for, those that we speak with stay known", async () => {
  const host = await Host.settled("fd00::20/64");
  host.learn(PEER);
  assert.ok(isKnown(host, PEER));
  const free = host.stack.call("pagesFreeCount");
  for (let i = 0; i < 5_000; i++) {
    send(host, nth("fd00", 0x10000 + i));
    if (i % 100 === 0) host.pass(10);
  }
  assert.ok(isKnown(host, PEER));
  // Another one that is there is found in the midst of them.
  send(host, "fd00::99");
  host.answer("fd00::99");
  assert.ok(isKnown(host, "fd00::99"));
  host.pass(60_000); // what waited for an answer has been given up
  assert.equal(host.stack.call("pagesFreeCount"), free);
});

test("stations that offer themselves in thousands take nobody's place", async () => {
  const host = await Host.settled("fd00::20/64");
  host.learn(PEER);
  assert.ok(isKnown(host, PEER));
  host.pass(60_000); // stale, and not used for long
  const free = host.stack.call("pagesFreeCount");
  for (let i = 0; i < 5_000; i++) host.stack.receive(packetFrame(solicitation(nth("fe80", i + 2), US)), host.stack.now);
  host.take();
  assert.ok(isKnown(host, PEER));
  host.pass(60_000);
  assert.equal(host.stack.call("pagesFreeCount"), free);
});

test("a router that says that it is none any more is no route; one of the configuration stays", async () => {
  const host = await Host.settled();
  host.input(routerAdvertisement([{ prefix: "fd00::" }]));
  host.pass(2_000);
  assert.equal(send(host, "2001:db8::9"), 1);
  host.input(advertisement(PEER, 0xa0, "ff02::1"));
  assert.equal(send(host, "2001:db8::9"), 1);
  host.input(advertisement(PEER, 0x20, "ff02::1"));
  assert.equal(send(host, "2001:db8::9"), -ENETUNREACH);
  const fixed = await Host.settled(`fd00::20/64,gateway=${PEER}`);
  fixed.input(advertisement(PEER, 0x20, "ff02::1"));
  assert.equal(send(fixed, "2001:db8::9"), 1);
});

test("a router cannot keep our packets on the link by a small hop limit", async () => {
  const host = await Host.settled();
  const said = routerAdvertisement([{ prefix: "fd00::" }]);
  host.input(said);
  host.pass(2_000);
  const small = Buffer.from(said.payload);
  small[4] = 1;
  small.writeUInt16BE((small.readUInt16BE(2) + (50 - 1) * 256) % 0xffff, 2);
  host.input({ ...said, payload: small });
  host.take();
  send(host, "2001:db8::9");
  assert.deepEqual(
    host.take().map(({ hopLimit }) => hopLimit),
    [50],
  );
});

test("routers and prefixes are few, however many are advertised, and the first ones stay", async () => {
  const host = await Host.settled();
  host.input(routerAdvertisement([{ prefix: "fd00::" }]));
  host.pass(2_000);
  for (let i = 0; i < 1_000; i++) {
    host.input(routerAdvertisement([{ prefix: `fd01:${i.toString(16)}::` }]));
  }
  host.pass(2_000);
  host.take();
  assert.ok(host.isOurs("fd00::216:3eff:fe00:1"));
  assert.equal(send(host, "fd00::77"), 1);
  assert.deepEqual(host.take().map(brief), [`135 ${hex("fd00::77")}`]);
});

test("a redirect changes nothing", async () => {
  const host = await Host.settled();
  host.input(routerAdvertisement([{ prefix: "fd00::" }]));
  host.pass(2_000);
  assert.equal(send(host, "2001:db8::9"), 1);
  const before = host.take();
  const body = Buffer.concat([Buffer.alloc(4), ip6("fe80::66"), ip6("2001:db8::9")]);
  host.input(icmp(PEER, US, 137, 0, body));
  assert.equal(send(host, "2001:db8::9"), 1);
  assert.deepEqual(
    host.take().map(({ mac }) => mac),
    before.map(({ mac }) => mac),
  );
});
