// DHCP: the life of a lease: renewal, expiry, a resume on this network or another, an address that others use.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BOUND, REBINDING, REBOOTING, RENEWING, SELECTING, address, bound, start } from "./dhcp_client.ts";
import { ACK, DECLINE, DhcpServer, OFFER, REQUEST, parseDhcp, reply } from "./dhcp_server.ts";
import { arpFrame, ip, ipText, parseArp, u32 } from "./frames.ts";
import { SECOND, Stack } from "./stack.ts";

test("T1: the lease is renewed with its server, by unicast", async () => {
  const { stack, server } = await bound(3600);
  server.run(1799n * SECOND);
  assert.equal(server.seen.length, 0);
  stack.answerArp("10.0.2.2");
  stack.advance(SECOND);
  assert.equal(stack.call.dhcpState(), RENEWING);
  stack.answerArp("10.0.2.2");
  server.serve();
  const [request] = server.seen;
  assert.ok(request);
  assert.deepEqual(
    [request.source, request.destination, request.clientAddress],
    ["10.0.2.15", "10.0.2.2", "10.0.2.15"],
  );
  assert.equal(request.options.has(50) || request.options.has(54), false);
  assert.equal(stack.call.dhcpState(), BOUND);
  assert.deepEqual(stack.addressChanges, [true], "an unchanged lease is no change");
});

test("T2 and expiry: any server is asked, then the address is given up and the search begins anew", async () => {
  const { stack, server } = await bound(3600);
  server.silent = true;
  server.run(1801n * SECOND, SECOND);
  assert.equal(stack.call.dhcpState(), RENEWING);
  server.run(1350n * SECOND, SECOND);
  assert.equal(stack.call.dhcpState(), REBINDING);
  assert.equal(server.seen.at(-1)?.destination, "255.255.255.255");
  server.run(440n * SECOND, SECOND);
  assert.equal(address(stack), "10.0.2.15");
  server.run(20n * SECOND, SECOND);
  assert.equal(address(stack), "0.0.0.0");
  assert.equal(stack.call.dhcpState(), SELECTING);
  assert.deepEqual(stack.addressChanges, [true, false]);
  assert.ok(server.seen.length < 40, `${server.seen.length} messages`);
  server.silent = false;
  server.run(70n * SECOND, SECOND);
  assert.equal(address(stack), "10.0.2.15");
});

test("an infinite lease is never renewed", async () => {
  const { stack, server } = await bound(0xffffffff);
  stack.advance(10n * SECOND);
  assert.equal(stack.call.interfaceDeadline(), -1n);
  server.run(3600n * SECOND, 600n * SECOND);
  assert.equal(server.seen.length, 0);
});

test("a refused renewal takes the address away; another one is asked for", async () => {
  const { stack, server } = await bound(3600);
  server.refuse = true;
  server.address = "10.0.2.44";
  stack.advance(1800n * SECOND);
  stack.answerArp("10.0.2.2");
  server.serve();
  assert.equal(address(stack), "0.0.0.0");
  server.refuse = false;
  server.run(70n * SECOND);
  assert.equal(address(stack), "10.0.2.44");
  assert.deepEqual(stack.addressChanges, [true, false, true]);
  assert.deepEqual(stack.familyAddresses.map(ipText), ["10.0.2.15", "0.0.0.0", "10.0.2.44"]);
});

test("a server that refuses everything is asked ever more rarely", async () => {
  const { server } = await start();
  server.refuse = true;
  server.run(600n * SECOND);
  assert.ok(server.seen.length < 60, `${server.seen.length} messages in ten minutes`);
});

test("after a resume the address is confirmed by INIT-REBOOT and used meanwhile", async () => {
  const { stack, server } = await bound();
  stack.call.dhcpReboot(stack.now);
  assert.equal(stack.call.dhcpState(), REBOOTING);
  assert.equal(address(stack), "10.0.2.15");
  server.serve();
  const [request] = server.seen;
  assert.ok(request);
  assert.deepEqual([request.type, request.clientAddress], [REQUEST, "0.0.0.0"]);
  assert.deepEqual(request.options.get(50), u32(ip("10.0.2.15")));
  assert.equal(request.options.has(54), false);
  assert.equal(stack.call.dhcpState(), BOUND);
});

test("after a resume on another network the refusal leads to a new address", async () => {
  const { stack, server } = await bound();
  server.refuse = true;
  stack.call.dhcpReboot(stack.now);
  server.serve();
  assert.equal(address(stack), "0.0.0.0");
  server.refuse = false;
  server.address = "10.0.2.99";
  server.run(10n * SECOND);
  assert.equal(address(stack), "10.0.2.99");
});

test("after a resume without a server the lease is used until it ends", async () => {
  const { stack, server } = await bound();
  server.silent = true;
  stack.call.dhcpReboot(stack.now);
  server.run(60n * SECOND);
  assert.equal(stack.call.dhcpState(), BOUND);
  assert.equal(address(stack), "10.0.2.15");
});

test("without carrier nothing is sent; when it comes the search begins", async () => {
  const stack = await Stack.create({ configured: false });
  stack.call.setCarrier(0, stack.now);
  stack.call.runDhcp(stack.now);
  stack.advance(100n * SECOND);
  assert.equal(stack.take().length, 0);
  stack.call.setCarrier(1, stack.now);
  const server = new DhcpServer(stack);
  server.serve();
  assert.equal(address(stack), "10.0.2.15");
});

test("an offered address that somebody uses is declined, and after ten seconds another one asked for", async () => {
  const { stack, server } = await start();
  const [discover] = stack.take().flatMap((frame) => parseDhcp(frame) ?? []);
  assert.ok(discover);
  const good = { address: "10.0.2.15", options: [[51, u32(3600)]] as const };
  stack.input(reply(discover, { type: OFFER, ...good }));
  const frames = stack.take();
  const probe = frames.map((frame) => parseArp(frame)).find((packet) => packet.targetIp === "10.0.2.15");
  assert.equal(probe?.senderIp, "0.0.0.0");
  stack.input(arpFrame({ operation: 2, senderIp: "10.0.2.15", senderMac: "02:00:00:00:00:99" }));
  const request = frames.flatMap((frame) => parseDhcp(frame) ?? [])[0];
  assert.ok(request);
  stack.input(reply(request, { type: ACK, ...good }));
  assert.equal(address(stack), "0.0.0.0");
  const [decline] = stack.take().flatMap((frame) => parseDhcp(frame) ?? []);
  assert.equal(decline?.type, DECLINE);
  assert.deepEqual(decline?.options.get(50), u32(ip("10.0.2.15")));
  stack.advance(9n * SECOND);
  assert.equal(stack.take().length, 0);
  server.address = "10.0.2.16";
  server.run(5n * SECOND);
  assert.equal(address(stack), "10.0.2.16");
});

test("a leased address is defended once and given up to somebody who insists", async () => {
  const { stack, server } = await bound();
  const conflict = arpFrame({ operation: 2, senderIp: "10.0.2.15", senderMac: "02:00:00:00:00:99" });
  stack.take();
  stack.input(conflict);
  assert.equal(stack.takeArp().length, 1);
  assert.equal(address(stack), "10.0.2.15");
  stack.advance(SECOND);
  stack.take();
  stack.input(conflict);
  assert.equal(address(stack), "0.0.0.0");
  server.serve();
  assert.equal(server.seen[0]?.type, DECLINE);
});

test("stopping frees the port and silences the client", async () => {
  const { stack } = await bound();
  stack.call.dhcpStop();
  stack.advance(5000n * SECOND);
  assert.equal(stack.take().flatMap((frame) => parseDhcp(frame) ?? []).length, 0);
  stack.socket(68);
});

test("a follower uses the family's lease and says nothing; when it leads it asks for more time at once", async () => {
  const { stack, server } = await bound(3600);
  stack.take();
  stack.call.dhcpFollow();
  stack.advance(3000n * SECOND);
  stack.call.dhcpReboot(stack.now);
  server.serve();
  assert.deepEqual([server.seen.length, address(stack)], [0, "10.0.2.15"]);
  stack.call.dhcpLead(stack.now);
  assert.equal(stack.call.dhcpState(), RENEWING);
  stack.answerArp("10.0.2.2");
  server.serve();
  assert.equal(server.seen.length, 1);
  stack.call.dhcpLead(stack.now);
  assert.equal(stack.call.dhcpState(), BOUND, "it leads already");
  stack.advance(3000n * SECOND);
  assert.equal(address(stack), "10.0.2.15", "the lease has begun anew");
});

test("a follower without a lease looks for one when it leads", async () => {
  const { stack, server } = await start();
  stack.take();
  stack.call.dhcpFollow();
  stack.advance(100n * SECOND);
  assert.deepEqual(stack.take(), []);
  stack.call.dhcpLead(stack.now);
  stack.advance(1n);
  server.serve();
  assert.equal(address(stack), "10.0.2.15");
});
