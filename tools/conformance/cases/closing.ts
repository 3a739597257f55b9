// Connections end (RFC 9293, 3.6 and 3.10.7.4).
import assert from "node:assert/strict";
import { conformance } from "../case.ts";
import { mssOption } from "../packets/tcp.ts";

const SHUT_WR = 1;
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const ECONNRESET = 104;

conformance("the peer closes first", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("FA");
  await connection.expect({ flags: "A", ack: 2 });
  assert.deepEqual(await socket.receive(), Buffer.alloc(0));
  await socket.close();
  await connection.expect({ flags: "FA", sequence: 1, ack: 2 });
  await connection.send("A");
  await connection.silence();
  await connection.send("A");
  await connection.expect({ flags: "R" });
});

// RFC 9293 MUST-13
conformance("the subject closes first, and remembers the connection afterwards", async (world) => {
  const { connection, socket } = await world.established();
  await socket.close();
  await connection.expect({ flags: "FA", sequence: 1, ack: 1 });
  await connection.send("FA");
  await connection.expect({ flags: "A", ack: 2 });
  await connection.send("FA", { sequence: 1 });
  await connection.expect({ flags: "A", ack: 2 });
});

conformance("both close at the same time", async (world) => {
  const { connection, socket } = await world.established();
  await socket.close();
  await connection.expect({ flags: "FA", sequence: 1, ack: 1 });
  await connection.send("FA", { ack: 1 });
  await connection.expect({ flags: "A", ack: 2 });
  await connection.send("A");
  await connection.silence();
});

// RFC 9293 MAY-1
conformance("one direction can be closed and the other used on", async (world) => {
  const { connection, socket } = await world.established();
  assert.equal(await socket.shutdown(SHUT_WR), 0);
  await connection.expect({ flags: "FA", sequence: 1 });
  await connection.send("A", { text: "more" });
  await connection.await({ flags: "A", ack: 5 });
  assert.deepEqual(await socket.receive(), Buffer.from("more"));
});

conformance("the subject sends on after the peer's FIN", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("FA");
  await connection.expect({ flags: "A", ack: 2 });
  await socket.send("still here");
  await connection.expect({ text: "still here", sequence: 1, ack: 2 });
});

conformance("text and FIN in one segment are both taken", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("FA", { text: "last" });
  await connection.await({ flags: "A", ack: 6 });
  assert.deepEqual(await socket.receive(), Buffer.from("last"));
  assert.deepEqual(await socket.receive(), Buffer.alloc(0));
});

conformance("a FIN waits for the text before it", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("FA", { sequence: 5, text: "" });
  await connection.expect({ flags: "A", ack: 1 });
  await connection.send("A", { text: "text" });
  await connection.await({ flags: "A", ack: 6 });
  assert.deepEqual(await socket.receive(), Buffer.from("text"));
  assert.deepEqual(await socket.receive(), Buffer.alloc(0));
});

conformance("a FIN that is not acknowledged is sent again", async (world) => {
  const { connection, socket } = await world.established();
  await socket.close();
  await connection.expect({ flags: "FA", sequence: 1 });
  await connection.expect({ flags: "FA", sequence: 1 });
});

// RFC 9293 SHLD-3
conformance("closing with unread text resets the connection", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("A", { text: "unread" });
  await connection.expect({ flags: "A", ack: 7 });
  await socket.close();
  assert.match((await connection.receive()).flags, /R/);
});

conformance("text that comes after the subject has closed is reset", async (world) => {
  const { connection, socket } = await world.established();
  await socket.close();
  await connection.expect({ flags: "FA", sequence: 1 });
  await connection.send("A", { text: "too late" });
  assert.match((await connection.receive()).flags, /R/);
});

conformance("SO_LINGER of no seconds resets", async (world) => {
  const { connection, socket } = await world.established();
  const linger = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(await socket.option(SOL_SOCKET, SO_LINGER, linger), 0);
  await socket.close();
  assert.match((await connection.receive()).flags, /R/);
});

// RFC 9293 MUST-12
conformance("a reset while text waits is told after the text", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("A", { text: "read me" });
  await connection.expect({ flags: "A", ack: 8 });
  await connection.send("R");
  await world.tester.fence();
  const first = await socket.receive();
  // Linux throws the text away; RFC 9293 3.10.7.4 lets it.
  if (Buffer.isBuffer(first)) {
    assert.deepEqual(first, Buffer.from("read me"));
    assert.equal(await socket.receive(), -ECONNRESET);
  } else assert.equal(first, -ECONNRESET);
});

// RFC 9293 MAY-2
conformance("a new SYN ends the memory of the old connection", async (world) => {
  const { connection, socket } = await world.established(mssOption(1460));
  await socket.close();
  await connection.expect({ flags: "FA" });
  await connection.send("FA");
  await connection.expect({ flags: "A", ack: 2 });
  await connection.send("S", { sequence: 100_000 });
  await connection.await({ flags: "SA", ack: 100_001 });
});
