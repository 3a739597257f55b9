// Multicast listener discovery: what a snooping switch and a querier hear of us.
import assert from "node:assert/strict";
import { test } from "node:test";
import { extended, hex, icmp, ip6, solicitedNode, type Packet } from "./frames.ts";
import { Host, PEER, US, advertisement, routerAdvertisement, told } from "./host.ts";

const ROUTERS = "ff02::16";
const ALERT = Buffer.from([0, 0, 5, 2, 0, 0, 1, 0]);
const ANY = "::";
const STATE = 2;
const LEFT = 3;
const JOINED = 4;
const GROUP = solicitedNode(US);

function record(type: number, group: string): string {
  return `143 ${type}:${hex(group)}`;
}

/** A query, of the present version unless `older`, about `group` or, with "::", all groups. */
function query(group = ANY, delay = 1000, { older = false, source = PEER, hopLimit = 1, alert = ALERT } = {}): Packet {
  const body = Buffer.concat([Buffer.alloc(4), ip6(group), Buffer.from(older ? [] : [2, 125, 0, 0])]);
  body.writeUInt16BE(delay, 0);
  const to = group === ANY ? "ff02::1" : group;
  return extended({ ...icmp(source, to, 130, 0, body), hopLimit }, [[0, alert]]);
}

test("the group of an address is joined before the address is asked for, and again from the link-local address", async () => {
  const host = await Host.create();
  host.pass(0);
  const [before, ...none] = host.reports();
  assert.deepEqual(none, []);
  assert.ok(before !== undefined);
  assert.equal(before.source, hex(ANY));
  assert.equal(before.destination, hex(ROUTERS));
  assert.equal(before.mac, "333300000016");
  assert.deepEqual(told(before), [record(JOINED, GROUP)]);
  host.pass(20_000);
  const later = host.reports();
  assert.ok(later.length >= 2 && later.length <= 3, `${later.length} reports`);
  for (const report of later) assert.deepEqual(told(report), [record(JOINED, GROUP)]);
  assert.equal(later.at(-1)?.source, hex(US));
});

test("a report goes out before the question that it is for", async () => {
  const host = await Host.create();
  host.stack.run(host.stack.now);
  const kinds = host.stack.transmitted.filter((frame) => frame[12] === 0x86).map((frame) => frame[20]);
  assert.deepEqual(kinds, [0, 58]);
});

test("addresses of one identifier share their group; another one is joined, and left with its address", async () => {
  const host = await Host.settled();
  host.input(routerAdvertisement([{ prefix: "fd00::", valid: 100, preferred: 100 }]));
  host.pass(5_000);
  assert.deepEqual(host.reports(), [], "fd00::… ends as the link-local address does");
  const fixed = await Host.create("fd00::77/64");
  fixed.pass(5_000);
  assert.ok(
    fixed
      .reports()
      .flatMap(told)
      .includes(record(JOINED, solicitedNode("fd00::77"))),
  );
});

test("the group of an address that another host has is left, with a repetition", async () => {
  const host = await Host.create();
  host.pass(500);
  host.reports();
  host.input(advertisement(US, 0x20, "ff02::1"));
  host.pass(5_000);
  assert.deepEqual(host.reports().flatMap(told), [record(LEFT, GROUP), record(LEFT, GROUP)]);
  host.input(query());
  host.pass(5_000);
  assert.deepEqual(host.reports(), []);
});

test("a query is answered once, within its time", async () => {
  const host = await Host.settled("fd00::77/64");
  host.input(query(ANY, 4_000));
  host.input(query(ANY, 4_000));
  host.pass(4_000);
  const [report, ...others] = host.reports();
  assert.ok(report !== undefined && others.length === 0);
  assert.deepEqual(told(report).sort(), [record(STATE, GROUP), record(STATE, solicitedNode("fd00::77"))].sort());
  assert.equal(report.source, hex(US));
  host.input(query(GROUP, 100));
  host.pass(100);
  assert.deepEqual(host.reports().flatMap(told), [record(STATE, GROUP)]);
  host.input(query("ff02::1:ff12:3456", 100));
  host.pass(1_000);
  assert.deepEqual(host.reports(), []);
});

test("the longest delay is written with an exponent", async () => {
  const host = await Host.settled();
  host.input(query(ANY, 0xffff)); // 0x1fff << 10 ms: more than two hours
  const answered: number[] = [];
  for (let hour = 0; hour < 3; hour++) {
    host.pass(3_600_000);
    answered.push(host.reports().length);
  }
  assert.equal(
    answered.reduce((sum, count) => sum + count),
    1,
  );
});

test("a query that no router of the link can have sent is ignored", async () => {
  const host = await Host.settled();
  host.input(query(ANY, 10, { hopLimit: 64 }));
  host.input(query(ANY, 10, { source: "2001:db8::2" }));
  host.input(query(ANY, 10, { source: ANY }));
  host.input(query(ANY, 10, { alert: Buffer.from([0, 0, 1, 4, 0, 0, 0, 0]) }));
  const short = query(ANY, 10);
  host.input({ ...short, payload: short.payload.subarray(0, 30) });
  host.pass(1_000);
  assert.deepEqual(host.reports(), []);
});

test("while a querier is of the older version, so are we", async () => {
  const host = await Host.settled();
  host.input(query(ANY, 100, { older: true }));
  host.pass(200);
  const [report] = host.reports();
  assert.ok(report !== undefined);
  assert.equal(report.destination, hex(GROUP));
  assert.deepEqual(told(report), [`131 ${hex(GROUP)}`]);
  host.input(query(GROUP, 100));
  host.pass(200);
  assert.deepEqual(host.reports().flatMap(told), [`131 ${hex(GROUP)}`]);
  host.pass(260_000);
  host.input(query());
  host.pass(2_000);
  assert.deepEqual(host.reports().flatMap(told), [record(STATE, GROUP)]);
});
