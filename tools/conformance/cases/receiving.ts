// Text arrives: in order, out of order, outside the window, with flags and options of all kinds (RFC 9293, 3.10.7.4).
import assert from "node:assert/strict";
import { conformance } from "../case.ts";
import { mssOption, OPTION, parseOptions, timestampOption } from "../packets/tcp.ts";
import { EAGAIN, POLLIN, POLLPRI, SOL_SOCKET } from "../subject/subject.ts";

const SO_OOBINLINE = 10;
/** From a system that knows no other way than in line (RFC 6093). */
const ENOPROTOOPT = 92;
const SACK_PERMITTED = [OPTION.sackPermitted, 2];

// RFC 9293 SHLD-18
conformance("text is acknowledged and read", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("PA", { text: "hello" });
  await connection.expect({ flags: "A", ack: 6, length: 0 });
  assert.deepEqual(await socket.receive(), Buffer.from("hello"));
});

// RFC 9293 SHLD-19, MUST-58
conformance("of full segments at least every second is acknowledged", async (world) => {
  const { connection } = await world.established();
  await connection.send("A", { text: "x".repeat(1460) });
  await connection.send("A", { text: "y".repeat(1460) });
  await connection.await({ flags: "A", ack: 2921 }, 400);
});

// RFC 9293 SHLD-31, MAY-13, MUST-59
conformance("text that comes too early waits for what is missing", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("A", { sequence: 6, text: "world" });
  await connection.expect({ flags: "A", ack: 1 });
  await connection.send("A", { text: "hello" });
  await connection.expect({ flags: "A", ack: 11 });
  assert.deepEqual(await socket.receive(), Buffer.from("helloworld"));
});

conformance("the acknowledgment of early text says where it lies", async (world) => {
  const { connection } = await world.established([...mssOption(1460), ...SACK_PERMITTED, 1, 1]);
  await connection.send("A", { sequence: 101, text: "x".repeat(50) });
  const { segment } = await connection.expect({ flags: "A", ack: 1 });
  const block = parseOptions(segment.options).get(OPTION.sack);
  assert.ok(block !== undefined, "no SACK option");
  assert.equal(block.readUInt32BE(4) - block.readUInt32BE(0), 50);
});

conformance("text that was there before is acknowledged again and not read twice", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("A", { text: "once" });
  await connection.expect({ flags: "A", ack: 5 });
  await connection.send("A", { sequence: 1, text: "once" });
  await connection.expect({ flags: "A", ack: 5 });
  assert.deepEqual(await socket.receive(), Buffer.from("once"));
  assert.equal(await socket.receiveNow(), -EAGAIN);
});

conformance("of text that overlaps what is there only the new part counts", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("A", { text: "abcd" });
  await connection.expect({ flags: "A", ack: 5 });
  await connection.send("A", { sequence: 3, text: "XXefgh" });
  await connection.expect({ flags: "A", ack: 9 });
  assert.deepEqual(await socket.receive(), Buffer.from("abcdefgh"));
});

conformance("text beyond the window is answered with an acknowledgment and dropped", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("A", { sequence: 3_000_000, text: "far" });
  await connection.expect({ flags: "A", ack: 1 });
  assert.equal(await socket.receiveNow(), -EAGAIN);
});

// RFC 9293 MUST-3
conformance("a segment with a wrong checksum is dropped silently", async (world) => {
  const { connection, socket } = await world.established();
  const wrong = (frame: Buffer): void => void frame.writeUInt8(frame.readUInt8(frame.length - 1) ^ 1, frame.length - 1);
  await connection.send("A", { sequence: 1, text: "bad", wrong });
  await connection.silence();
  assert.equal(await socket.receiveNow(), -EAGAIN);
});

// RFC 9293 MUST-2
conformance("checksums of what is sent are right", async (world) => {
  const { connection, socket } = await world.established();
  // The tester takes no segment whose checksum is wrong.
  for (const length of [1, 2, 999, 1460]) {
    await socket.send(Buffer.alloc(length, length));
    await connection.receiveText(length);
  }
});

conformance("a header that is longer than its segment is dropped silently", async (world) => {
  const { connection, socket } = await world.established();
  const wrong = (frame: Buffer): void => void frame.writeUInt8(0xf0, 14 + 20 + 12);
  await connection.send("A", { sequence: 1, text: "bad", wrong });
  await connection.silence();
  assert.equal(await socket.receiveNow(), -EAGAIN);
});

// RFC 9293 MUST-4, MUST-5, MUST-6, MUST-68
conformance("options that nobody knows are passed over, in any segment", async (world) => {
  const unknown = [253, 6, 1, 2, 3, 4];
  const { connection, socket } = await world.established([...unknown, ...mssOption(700), 1, 1]);
  await connection.send("A", { text: "known", options: [...unknown, 1, 0] });
  await connection.expect({ flags: "A", ack: 6 });
  await socket.send("z".repeat(1400));
  await connection.expect({ length: 700 });
});

// RFC 9293 MUST-64
conformance("an option is read where it does not begin at a word", async (world) => {
  const { connection, socket } = await world.established([1, ...mssOption(600), 0]);
  await socket.send("z".repeat(1200));
  await connection.expect({ length: 600 });
});

// RFC 9293 MUST-7
conformance("an option of an illegal length does no harm", async (world) => {
  for (const options of [
    [2, 0, 5, 0],
    [253, 1, 0, 0],
    [8, 40, 0, 0],
    [3, 3, 200, 0],
    [5, 255, 1, 1],
  ]) {
    const { connection, socket } = await world.established(options);
    await connection.send("A", { text: "well", options });
    await connection.expect({ flags: "A", ack: 5 });
    assert.deepEqual(await socket.receive(), Buffer.from("well"));
  }
});

conformance("timestamps are echoed, and an old one is not taken", async (world) => {
  const { connection, socket } = await world.established([...mssOption(1460), ...timestampOption(1000, 0)], undefined, {
    options: timestampOption(1000, 0),
  });
  await connection.send("A", { text: "new", options: timestampOption(2000, 0) });
  const { segment } = await connection.expect({ flags: "A", ack: 4 });
  assert.equal(parseOptions(segment.options).get(OPTION.timestamps)?.readUInt32BE(4), 2000);
  await connection.send("A", { sequence: 4, text: "old", options: timestampOption(1500, 0) });
  await connection.expect({ flags: "A", ack: 4 });
  assert.deepEqual(await socket.receive(), Buffer.from("new"));
  assert.equal(await socket.receiveNow(), -EAGAIN);
});

// RFC 9293 MUST-30, MUST-31, MUST-32, MUST-62
conformance("urgent text is told, and read in its place", async (world) => {
  const { connection, socket } = await world.established(mssOption(1460), async (listener) => {
    const result = await listener.option(SOL_SOCKET, SO_OOBINLINE, 1);
    assert.ok(result === 0 || result === -ENOPROTOOPT, `SO_OOBINLINE: ${result}`);
  });
  await connection.send("UA", { text: "ab", urgent: 2000 });
  assert.equal((await socket.poll(POLLPRI | POLLIN)) & POLLIN, POLLIN);
  await connection.send("UA", { text: "c".repeat(1460), urgent: 1998 });
  await connection.send("UA", { text: "d".repeat(600), urgent: 538 });
  assert.equal((await socket.poll(POLLPRI)) & POLLPRI, POLLPRI);
  let received = 0;
  while (received < 2062) {
    const bytes = await socket.receive();
    assert.ok(Buffer.isBuffer(bytes) && bytes.length > 0);
    received += bytes.length;
  }
  assert.equal((await socket.poll(POLLPRI, 0)) & POLLPRI, 0);
});

conformance("a SYN inside a connection is challenged, not believed", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("S", { sequence: 10 });
  await connection.expect({ flags: "A", ack: 1 });
  await connection.send("A", { text: "alive" });
  await connection.expect({ flags: "A", ack: 6 });
  assert.deepEqual(await socket.receive(), Buffer.from("alive"));
});

// RFC 9293 MAY-12
conformance("a RST in the window, but not at its edge, is challenged", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("R", { sequence: 100 });
  await connection.expect({ flags: "A", ack: 1 });
  await connection.send("R", { sequence: 5_000_000 });
  await connection.silence();
  assert.equal(await socket.receiveNow(), -EAGAIN);
});

// RFC 9293 MUST-12
conformance("a RST at the edge of the window ends the connection, and the program is told", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("R");
  assert.equal(await socket.receive(), -104);
});

conformance("an acknowledgment of what was never sent is answered and not believed", async (world) => {
  const { connection, socket } = await world.established();
  await connection.send("A", { ack: 100_000 });
  await connection.expect({ flags: "A", ack: 1 });
  await socket.send("still");
  await connection.expect({ text: "still" });
});

// RFC 9293 MUST-66
conformance("with the window closed, a RST still counts", async (world) => {
  const { connection, socket } = await world.established(mssOption(1460), (listener) => listener.option(1, 8, 4096));
  let window = 1000;
  for (let sent = 0; window > 0; sent++) {
    assert.ok(sent < 500, "the window does not close");
    await connection.send("A", { text: "f".repeat(Math.min(window, 1000)) });
    ({ window } = (await connection.await({ flags: "A", ack: connection.next })).segment);
  }
  await connection.send("R");
  let received = await socket.receive();
  while (Buffer.isBuffer(received) && received.length > 0) received = await socket.receive();
  assert.equal(received, -104);
});
