// Connections are opened (RFC 9293, 3.5 and 3.10.7).
import assert from "node:assert/strict";
import { conformance } from "../case.ts";
import { mssOption, OPTION, parseOptions } from "../packets/tcp.ts";
import { EAGAIN, EINPROGRESS, POLLOUT } from "../subject/subject.ts";
import { TESTER_ADDRESS } from "../tester.ts";

const ECONNREFUSED = 111;

conformance("a SYN to a port where nobody listens is reset", async (world) => {
  const connection = world.connection(world.newPort());
  await connection.send("S");
  await connection.expect({ flags: "RA", ack: 1 });
});

conformance("an ACK to a port where nobody listens is reset with the number it acknowledges", async (world) => {
  const connection = world.connection(world.newPort());
  await connection.send("A", { ack: 4711 });
  const { segment } = await connection.expect({ flags: "R" });
  assert.equal(segment.sequence, 4711);
});

conformance("a RST to a port where nobody listens is not answered", async (world) => {
  const connection = world.connection(world.newPort());
  await connection.send("R");
  await connection.send("RA");
  await connection.silence();
});

conformance("a listener takes a connection", async (world) => {
  const { socket } = await world.established();
  assert.equal(await socket.receiveNow(), -EAGAIN);
});

// RFC 9293 MUST-14, SHLD-5
conformance("a SYN brings the segment size of the device, and so does its answer", async (world) => {
  const { connection } = await world.connecting();
  await connection.send("SA", { options: mssOption(1460) });
  const { port } = await world.listening();
  const other = world.connection(port);
  await other.send("S", { options: mssOption(1460) });
  const { segment } = await other.expect({ flags: "SA" });
  assert.deepEqual(parseOptions(segment.options).get(OPTION.mss), Buffer.from(mssOption(1460).slice(2)));
});

conformance("a RST brings a half-open connection back to listening", async (world) => {
  const { port, listener } = await world.listening();
  const connection = world.connection(port);
  await connection.send("S");
  await connection.expect({ flags: "SA" });
  await connection.send("R");
  await connection.send("A", { sequence: 1, ack: 1 });
  await connection.expect({ flags: "R" });
  assert.equal(await listener.hasConnection(), false);
  const another = world.connection(port);
  await another.send("S");
  await another.expect({ flags: "SA", ack: 1 });
});

conformance("an ACK of nothing that was sent is reset while a connection is half open", async (world) => {
  const { port, listener } = await world.listening();
  const connection = world.connection(port);
  await connection.send("S");
  await connection.expect({ flags: "SA" });
  await connection.send("A", { ack: 99 });
  await connection.expect({ flags: "R", sequence: 99 });
  assert.equal(await listener.hasConnection(), false);
});

conformance("a repeated SYN is answered again", async (world) => {
  const { port } = await world.listening();
  const connection = world.connection(port);
  await connection.send("S");
  const first = await connection.expect({ flags: "SA" });
  await connection.send("S", { sequence: 0 });
  const second = await connection.expect({ flags: "SA" });
  assert.equal(second.segment.sequence, first.segment.sequence);
});

// RFC 9293 MUST-22
conformance("an unanswered SYN-ACK is sent again, later each time", async (world) => {
  const { port } = await world.listening();
  const connection = world.connection(port);
  await connection.send("S");
  const first = await connection.expect({ flags: "SA" });
  const second = await connection.expect({ flags: "SA" });
  const third = await connection.expect({ flags: "SA" });
  assert.ok(second.at - first.at > 500, `sent again after ${second.at - first.at} ms`);
  assert.ok(third.at - second.at > 1.4 * (second.at - first.at), "no back-off");
});

conformance("a connection is opened", async (world) => {
  const { connection, socket } = await world.connecting();
  await connection.send("SA", { options: mssOption(1460) });
  await connection.expect({ flags: "A", sequence: 1, ack: 1 });
  assert.equal((await socket.poll(POLLOUT)) & POLLOUT, POLLOUT);
  assert.equal(await socket.error(), 0);
});

// RFC 9293 MUST-12
conformance("a refused connection is told", async (world) => {
  const { connection, socket } = await world.connecting();
  await connection.send("RA");
  await socket.poll(POLLOUT);
  assert.equal(await socket.error(), ECONNREFUSED);
});

conformance("a RST without an ACK does not end an opening", async (world) => {
  const { connection, socket } = await world.connecting();
  await connection.send("R", { sequence: 0 });
  await connection.send("SA");
  await connection.expect({ flags: "A", ack: 1 });
  await socket.poll(POLLOUT);
  assert.equal(await socket.error(), 0);
});

conformance("an ACK of something else than the SYN is reset", async (world) => {
  const { connection } = await world.connecting();
  await connection.send("SA", { sequence: 0, ack: 77 });
  await connection.expect({ flags: "R", sequence: 77 });
});

// RFC 9293 MUST-10
conformance("both sides open at the same time", async (world) => {
  const { connection, socket } = await world.connecting();
  await connection.send("S");
  await connection.expect({ flags: "SA", sequence: 0, ack: 1 });
  await connection.send("SA", { sequence: 0, ack: 1 });
  await socket.poll(POLLOUT);
  assert.equal(await socket.error(), 0);
  await socket.send("simultaneous");
  await connection.await({ text: "simultaneous", sequence: 1 });
});

// RFC 9293 MUST-57, MUST-63
conformance("a SYN from or to a group is dropped silently", async (world) => {
  const { port, listener } = await world.listening();
  const connection = world.connection(port);
  for (const source of ["255.255.255.255", "224.0.0.1", "10.0.2.255"]) {
    await connection.send("S", { sequence: 0, packet: { source } });
  }
  for (const destination of ["255.255.255.255", "224.0.0.1", "10.0.2.255"]) {
    await connection.send("S", { sequence: 0, packet: { destination, destinationMac: Buffer.alloc(6, 0xff) } });
  }
  await connection.silence();
  assert.equal(await listener.hasConnection(), false);
});

// RFC 9293 MUST-46
conformance("no connection is opened to a group", async (world) => {
  for (const address of ["255.255.255.255", "224.0.0.1"]) {
    const socket = await world.socket();
    const result = await socket.connect(address, 80);
    assert.ok(result < 0 && result !== -EINPROGRESS, `connect to ${address}: ${result}`);
  }
});

// RFC 9293 MUST-41, MUST-42
conformance("listeners at one port of several addresses do not disturb each other", async (world) => {
  const port = world.newPort();
  const own = await world.socket();
  assert.equal(await own.bind(world.tester.subjectAddress, port), 0);
  assert.equal(await own.listen(), 0);
  const loopback = await world.socket();
  assert.equal(await loopback.bind("127.0.0.1", port), 0);
  assert.equal(await loopback.listen(), 0);
  const connection = world.connection(port);
  await connection.send("S");
  await connection.expect({ flags: "SA" });
  await connection.send("A");
  world.closeLater(await own.accept());
  assert.equal(await loopback.hasConnection(), false);
});

// RFC 9293 MUST-43, MUST-45
conformance("a connection comes from the address that it was bound to", async (world) => {
  const socket = await world.socket();
  const port = world.newPort();
  assert.equal(await socket.bind(world.tester.subjectAddress, port), 0);
  const ownPort = world.tester.newPort();
  await socket.connect(TESTER_ADDRESS, ownPort);
  const arrivals = world.tester.arrivals(ownPort);
  const { segment } = await world.tester.until("a SYN", () => arrivals.shift());
  assert.equal(segment.sourcePort, port);
});
