// A process whose family has its addresses already: it uses them and is silent, until it leads.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "./frames.ts";
import { Host, US, routerAdvertisement } from "./host.ts";

const AUTOMATIC = "fd00::216:3eff:fe00:1";
const ROUTER_SOLICITATION = 133;

test("a follower asks for nothing, reports nothing, and learns what routers say", async () => {
  const host = await Host.settled();
  host.stack.call("ipv6Follow");
  host.input(routerAdvertisement([{ prefix: "fd00::" }]));
  assert.deepEqual(host.pass(20_000), []);
  assert.deepEqual(host.reports(), []);
  assert.ok(host.isOurs(US) && host.isOurs(AUTOMATIC), "without a second in which it is asked for");
});

test("an address that was being asked for is the family's", async () => {
  const host = await Host.create();
  host.pass(0);
  host.stack.call("ipv6Follow");
  assert.ok(host.isOurs(US));
  assert.deepEqual(host.pass(20_000), []);
});

test("who leads says which groups it listens to and asks for routers", async () => {
  const host = await Host.settled();
  host.stack.call("ipv6Follow");
  host.pass(1000);
  host.stack.call("ipv6Lead", host.stack.now);
  const sent = host.pass(20_000);
  assert.ok(sent.length > 0 && sent.every(({ source }) => source === hex(US)));
  assert.deepEqual(new Set(sent.map(({ payload }) => payload[0])), new Set([ROUTER_SOLICITATION]));
  assert.ok(host.reports().length > 0);
  assert.ok(host.isOurs(US));
});
