import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, icmp, ip6, linkLocal, macOf, solicitedNode, udp } from "./frames.ts";
import { Host, PEER, US, advertisement, brief, routerAdvertisement, solicitation } from "./host.ts";

const AUTOMATIC = "fd00::216:3eff:fe00:1";
const EHOSTUNREACH = 113;
const ENETUNREACH = 101;

test("the link-local address is asked for before it is used, then routers are", async () => {
  const host = await Host.create();
  const [probe, ...others] = host.pass(0);
  assert.deepEqual(others, []);
  assert.equal(probe?.source, hex("::"));
  assert.equal(probe.destination, hex(solicitedNode(US)));
  assert.equal(probe.mac, "3333ff000001");
  assert.equal(probe.hopLimit, 255);
  assert.equal(brief(probe), `135 ${hex(US)}`);
  assert.equal(probe.payload.length, 24);
  assert.ok(probe.right && !host.isOurs(US));
  const later = host.pass(20_000);
  assert.ok(host.isOurs(US));
  assert.deepEqual(
    later.map((read) => read.payload[0]),
    [136, 133, 133, 133],
  );
  assert.ok(later.every((read) => read.right && read.source === hex(US) && read.hopLimit === 255));
  assert.deepEqual(
    later.map((read) => read.destination),
    [hex("ff02::1"), hex("ff02::2"), hex("ff02::2"), hex("ff02::2")],
  );
});

test("an address that another host has or probes for is not used", async () => {
  for (const objection of [advertisement(US, 0x20, "ff02::1"), solicitation("::", US)]) {
    const host = await Host.create();
    host.pass(500);
    host.input(objection);
    host.pass(20_000);
    assert.ok(!host.isOurs(US));
    assert.deepEqual(host.input(solicitation(PEER, US)), []);
  }
});

test("a solicitation for our address is answered, to its sender or to all", async () => {
  const host = await Host.settled();
  const [answer] = host.input(solicitation(PEER, US));
  assert.ok(answer !== undefined);
  assert.equal(brief(answer), `136 ${hex(US)}`);
  assert.equal(answer.destination, hex(PEER));
  assert.equal(answer.mac, macOf(2).toString("hex"));
  assert.equal(answer.payload[4], 0x60);
  assert.equal(answer.payload.toString("hex", 24), `0201${macOf(1).toString("hex")}`);
  assert.ok(answer.right && answer.hopLimit === 255);
  const [toAll] = host.input(solicitation("::", US));
  assert.equal(toAll?.destination, hex("ff02::1"));
  assert.equal(toAll.payload[4], 0x20);
});

test("forged or broken solicitations are dropped", async () => {
  const host = await Host.settled();
  const good = solicitation(PEER, US);
  const withOptions = (options: Buffer): ReturnType<typeof icmp> =>
    icmp(PEER, solicitedNode(US), 135, 0, Buffer.concat([Buffer.alloc(4), ip6(US), options]));
  assert.deepEqual(host.input({ ...good, hopLimit: 254 }), []);
  assert.deepEqual(
    host.input({ ...good, payload: Buffer.concat([good.payload.subarray(0, 31), Buffer.from([9])]) }),
    [],
  );
  assert.deepEqual(host.input(icmp(PEER, solicitedNode(US), 135, 1, good.payload.subarray(4))), []);
  assert.deepEqual(host.input(icmp(PEER, solicitedNode(US), 135, 0, Buffer.alloc(16))), []);
  assert.deepEqual(host.input(withOptions(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))), []);
  assert.deepEqual(host.input(withOptions(Buffer.from([1, 2, 0, 0, 0, 0, 0, 0]))), []);
  assert.deepEqual(host.input(withOptions(Buffer.from([1, 1, 0]))), []);
  assert.deepEqual(host.input(solicitation(PEER, linkLocal(9))), []);
  assert.equal(host.input(good).length, 1);
});

function send(host: Host, destination: string, data = "x"): number {
  const socket = host.stack.call("udpSocketCreate", true);
  host.stack.write(host.stack.scratch, Buffer.from(data));
  return host.stack.call(
    "udpSendTo",
    socket,
    host.stack.scratch,
    data.length,
    host.address(destination),
    9,
    host.stack.now,
  );
}

test("a neighbour is asked for, frames wait for the answer, and three unanswered questions are an error", async () => {
  const host = await Host.settled();
  assert.equal(send(host, PEER, "first"), 5);
  assert.equal(send(host, PEER, "second"), 6);
  const asked = host.take();
  assert.deepEqual(asked.map(brief), [`135 ${hex(PEER)}`]);
  assert.equal(asked[0]?.destination, hex(solicitedNode(PEER)));
  assert.equal(asked[0].payload.toString("hex", 24), `0101${macOf(1).toString("hex")}`);
  const sent = host.answer(PEER);
  assert.deepEqual(
    sent.map((read) => read.payload.toString("latin1", 8)),
    ["first", "second"],
  );
  assert.ok(sent.every((read) => read.right && read.mac === macOf(2).toString("hex")));

  assert.equal(send(host, linkLocal(3)), 1);
  assert.equal(host.pass(10).length, 1);
  assert.equal(host.pass(2_500).length, 2);
  assert.equal(host.pass(600).length, 0);
  assert.equal(send(host, linkLocal(3)), -EHOSTUNREACH);
  host.pass(4_000);
  assert.equal(send(host, linkLocal(3)), 1);
});

test("a neighbour that is used is asked whether it is still there, and forgotten when it is not", async () => {
  const host = await Host.settled();
  send(host, PEER);
  host.answer(PEER);
  host.pass(46_000); // reachable no longer than 45 s
  send(host, PEER);
  assert.equal(host.take().length, 1, "a stale entry is used");
  const probes = host.pass(5_500);
  assert.deepEqual(probes.map(brief), [`135 ${hex(PEER)}`]);
  assert.equal(probes[0]?.destination, hex(PEER));
  host.answer(PEER);
  assert.deepEqual(host.pass(10_000), []);
  host.pass(46_000);
  send(host, PEER);
  host.take();
  assert.equal(host.pass(9_000).length, 3);
  assert.equal(send(host, PEER), -EHOSTUNREACH);
});

test("an advertisement that nobody has asked for makes no entry", async () => {
  const host = await Host.settled();
  host.input(advertisement(PEER, 0x20, "ff02::1"));
  send(host, PEER);
  assert.deepEqual(host.take().map(brief), [`135 ${hex(PEER)}`]);
});

test("a router advertisement gives an address, a route, a hop limit and an MTU", async () => {
  const host = await Host.settled();
  assert.equal(send(host, "2001:db8::9"), -ENETUNREACH);
  const mtu = Buffer.from([5, 1, 0, 0, 0, 0, 0x05, 0x78]);
  const servers = Buffer.concat([Buffer.from([25, 3, 0, 0, 0, 0, 1, 0]), ip6("fd00::53")]);
  host.input(routerAdvertisement([{ prefix: "fd00::" }], 1800, Buffer.concat([mtu, servers])));
  host.pass(1_500);
  assert.ok(host.isOurs(AUTOMATIC));
  assert.equal(host.pathMtu("2001:db8::9"), 1400);
  assert.equal(host.shown(host.stack.call("ipv6NameServer", 0, host.stack.now)), hex("fd00::53"));
  assert.equal(host.stack.call("ipv6NameServer", 1, host.stack.now), 0);
  // The router's own option has told its Ethernet address: nobody is asked.
  assert.equal(send(host, "2001:db8::9"), 1);
  const [sent] = host.take();
  assert.equal(sent?.source, hex(AUTOMATIC));
  assert.equal(sent.mac, macOf(2).toString("hex"));
  assert.equal(sent.hopLimit, 50);
  // A station of the prefix is asked for itself.
  send(host, "fd00::77");
  assert.deepEqual(host.take().map(brief), [`135 ${hex("fd00::77")}`]);
});

test("a router that says good-bye, or whose lifetime ends, is no route", async () => {
  const host = await Host.settled();
  host.input(routerAdvertisement([{ prefix: "fd00::" }], 30));
  host.pass(2_000);
  assert.equal(send(host, "2001:db8::9"), 1);
  host.input(routerAdvertisement([], 0));
  assert.equal(send(host, "2001:db8::9"), -ENETUNREACH);
  host.input(routerAdvertisement([], 30));
  assert.equal(send(host, "2001:db8::9"), 1);
  host.pass(31_000);
  assert.equal(send(host, "2001:db8::9"), -ENETUNREACH);
});

test("addresses end with their prefix, but a forged end takes two hours", async () => {
  const host = await Host.settled();
  host.input(routerAdvertisement([{ prefix: "fd00::", valid: 10, preferred: 10 }]));
  host.pass(2_000);
  assert.ok(host.isOurs(AUTOMATIC));
  host.pass(9_000);
  assert.ok(!host.isOurs(AUTOMATIC));
  host.input(routerAdvertisement([{ prefix: "fd00::", valid: 20_000 }]));
  host.pass(2_000);
  host.input(routerAdvertisement([{ prefix: "fd00::", valid: 1, preferred: 1 }]));
  host.pass(7_100_000);
  assert.ok(host.isOurs(AUTOMATIC));
  host.pass(110_000);
  assert.ok(!host.isOurs(AUTOMATIC));
});

test("what is wrong in a router advertisement makes no address", async () => {
  const host = await Host.settled();
  const good = routerAdvertisement([{ prefix: "fd00::" }]);
  host.input({ ...good, hopLimit: 64 });
  host.input(icmp("2001:db8::2", "ff02::1", 134, 0, good.payload.subarray(4)));
  host.input(routerAdvertisement([{ prefix: "fd00::", length: 65 }]));
  host.input(routerAdvertisement([{ prefix: "fd00::", length: 200 }]));
  host.input(routerAdvertisement([{ prefix: "fd00::", valid: 5, preferred: 6 }]));
  host.input(routerAdvertisement([{ prefix: "fd00::", flags: 0x80 }]));
  host.input(routerAdvertisement([{ prefix: "fe80::" }]));
  host.input(
    routerAdvertisement(Array.from({ length: 40 }, (_, i) => ({ prefix: `fd1${i % 10}:${i}::`, flags: 0x40 }))),
  );
  host.pass(2_000);
  assert.ok(!host.isOurs(AUTOMATIC));
  assert.ok(host.isOurs(US), "the table is full, and still ours");
});

test("a configured address, with and without a gateway", async () => {
  const host = await Host.settled("fd00::20/64,gateway=fe80::216:3eff:fe00:2");
  assert.ok(host.isOurs("fd00::20") && host.isOurs(US));
  assert.equal(send(host, "2001:db8::9"), 1);
  assert.deepEqual(host.take().map(brief), [`135 ${hex(PEER)}`]);
  const alone = await Host.settled("fd00::20/64");
  assert.equal(send(alone, "2001:db8::9"), -ENETUNREACH);
  assert.equal(send(alone, "fd00::21"), 1);
  assert.equal(alone.take()[0]?.source, hex("fd00::20"));
});

test("wrong options are refused", async () => {
  for (const option of [
    "",
    "fd00::20",
    "fd00::20/0",
    "fd00::20/129",
    "::/64",
    "ff02::1/64",
    "fd00::20/64,x=1",
    "::1/64",
  ])
    await assert.rejects(Host.create(option), /ip6=/, option);
  const off = await Host.create("off");
  assert.deepEqual(off.pass(20_000), []);
});

test("addresses as text", async () => {
  const host = await Host.create();
  const parse = (text: string): string | null => {
    host.stack.write(host.stack.scratch, Buffer.from(text));
    const target = host.address("::");
    return host.stack.call("addressParse", host.stack.scratch, text.length, target) ? host.shown(target) : null;
  };
  for (const text of ["::", "::1", "1::", "fe80::1", "1:2:3:4:5:6:7:8", "2001:DB8::ff00:42:8329", "1:2:3:4:5:6:7::"])
    assert.equal(parse(text), hex(text), text);
  for (const text of [
    "",
    ":",
    ":::",
    "1",
    "1:2:3:4:5:6:7",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "12345::",
    "g::",
    "1:",
    ":1",
  ])
    assert.equal(parse(text), null, text);
  assert.equal(parse("1:2:3:4:5:6:7:8::"), null);
});

test("what is not for us, or from nobody who can be, is dropped", async () => {
  const host = await Host.settled();
  host.learn(PEER);
  const closed = (source: string, destination: string, mac?: Buffer): number =>
    host.input({ ...udp(source, destination, [9, 9], Buffer.from("x")), ...(mac === undefined ? {} : { mac }) }).length;
  assert.equal(closed(PEER, US), 1, "a port unreachable message");
  assert.equal(closed(PEER, linkLocal(9), macOf(1)), 0);
  assert.equal(closed("ff02::1", US), 0);
  assert.equal(closed("::1", US), 0);
  assert.equal(closed("::", US), 0);
  assert.equal(closed(US, US), 0);
  assert.equal(closed("::ffff:a00:2", US), 0);
  assert.equal(closed(PEER, "::1", macOf(1)), 0);
  assert.equal(closed(PEER, US, Buffer.from("333300000001", "hex")), 0);
  assert.equal(closed(PEER, "ff02::1"), 0);
});
