// Text is sent: segment sizes, Nagle, windows, retransmission (RFC 9293, 3.7 and 3.8; RFC 5681; RFC 6298).
import assert from "node:assert/strict";
import { conformance } from "../case.ts";
import { mssOption, OPTION, parseOptions } from "../packets/tcp.ts";

const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const WORD = "x".repeat(100);

// RFC 9293 MUST-15
conformance("without an MSS option segments have 536 bytes at most", async (world) => {
  const { connection, socket } = await world.established([]);
  await socket.send("z".repeat(2000));
  assert.ok((await connection.expect({ flags: "A", sequence: 1 })).text.length <= 536);
});

// RFC 9293 MUST-14, MUST-16, SHLD-28
conformance("segments are as long as the peer's MSS allows", async (world) => {
  const { connection, socket } = await world.established(mssOption(900));
  await socket.send("z".repeat(1800));
  await connection.expect({ sequence: 1, length: 900 });
  await connection.expect({ sequence: 901, length: 900 });
});

// RFC 9293 MUST-16
conformance("options of the segment come out of the MSS", async (world) => {
  const timestamps = [1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0];
  const { connection, socket } = await world.established([...mssOption(900), ...timestamps], undefined, {
    options: timestamps,
  });
  await socket.send("z".repeat(1800));
  await connection.expect({ sequence: 1, length: 888 });
});

// RFC 9293 MUST-65
conformance("the MSS option stands in no segment but a SYN", async (world) => {
  const { connection, socket } = await world.established();
  await socket.send("text");
  const { segment } = await connection.expect({ text: "text" });
  assert.equal(parseOptions(segment.options).has(OPTION.mss), false);
});

// RFC 9293 MUST-60, MUST-61
conformance("the last segment of what was sent has PSH", async (world) => {
  const { connection, socket } = await world.established(mssOption(500));
  await socket.send("z".repeat(1200));
  let end = 1;
  while (end < 1201) {
    const { sequence, text, flags } = await connection.receive();
    end = sequence + text.length;
    if (end === 1201) assert.ok(flags.includes("P"), "no PSH");
    await connection.send("A");
  }
});

// RFC 9293 SHLD-7
conformance("Nagle: a short segment waits while another is unacknowledged", async (world) => {
  const { connection, socket } = await world.established();
  await socket.send("one");
  await connection.expect({ text: "one" });
  await socket.send("two");
  await connection.silence();
  await connection.send("A");
  await connection.expect({ text: "two" });
});

// RFC 9293 MUST-17
conformance("a program can turn Nagle off", async (world) => {
  const { connection, socket } = await world.established();
  assert.equal(await socket.option(IPPROTO_TCP, TCP_NODELAY, 1), 0);
  await socket.send("one");
  await connection.expect({ text: "one" });
  await socket.send("two");
  await connection.expect({ text: "two" });
});

// RFC 9293 MUST-38
conformance("a window too small for a segment is not filled with crumbs at once", async (world) => {
  const { connection, socket } = await world.established(mssOption(1000), undefined, { window: 10 });
  await socket.send("z".repeat(3000));
  await connection.silence();
});

// RFC 9293 MUST-1
conformance("no more is sent than the window takes", async (world) => {
  const { connection, socket } = await world.established(mssOption(500), undefined, { window: 1200 });
  await socket.send("z".repeat(5000));
  let end = 1;
  while (end < 1001) end = (await connection.receive()).text.length + end;
  await world.tester.fence();
  for (const { segment } of world.tester.arrivals(connection.ownPort)) end += segment.text.length;
  assert.ok(end <= 1201, `${end - 1} bytes into a window of 1200`);
});

// RFC 9293 MUST-35, MUST-36, SHLD-29, SHLD-30, MUST-37
conformance("a closed window is probed, later each time, for as long as it stays closed", async (world) => {
  const { connection, socket } = await world.established(mssOption(1000), undefined, { window: 0 });
  await socket.send("behind the window");
  const times: number[] = [];
  for (let probe = 0; probe < 4; probe++) {
    times.push((await connection.receive()).at);
    await connection.send("A", { window: 0, ack: 1 });
  }
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  assert.ok((gaps[2] ?? 0) > 2 * (gaps[0] ?? 0), `gaps of ${gaps.map(Math.round).join(", ")} ms`);
  await connection.send("A", { window: 1000, ack: 1 });
  for (let end = 0; end < 18;) {
    const { sequence, text } = await connection.receive();
    end = sequence + text.length;
    await connection.send("A");
  }
});

// RFC 9293 MUST-34, SHLD-15, SHLD-16
conformance("a window that shrinks loses nothing", async (world) => {
  const { connection, socket } = await world.established(mssOption(1000), undefined, { window: 4000 });
  const sent = Buffer.from(Array.from({ length: 6000 }, (_, i) => i % 251));
  await socket.send(sent);
  await connection.expect({ sequence: 1, length: 1000 });
  await connection.send("A", { ack: 1001, window: 500 });
  // What was sent beyond the new edge comes again once there is room.
  await connection.send("A", { ack: 1001, window: 10_000 });
  const rest = Buffer.alloc(5000);
  let filled = 0;
  while (filled < 5000) {
    const { sequence, text } = await connection.receive();
    if (sequence < 1001) continue;
    text.copy(rest, sequence - 1001);
    filled = Math.max(filled, sequence - 1001 + text.length);
    await connection.send("A", { ack: 1001 + filled });
  }
  assert.deepEqual(rest, sent.subarray(1000));
});

// RFC 9293 MUST-19
conformance("what is not acknowledged is sent again, later each time", async (world) => {
  const { connection, socket } = await world.established();
  await socket.send("again");
  const times: number[] = [];
  for (let sending = 0; sending < 4; sending++)
    times.push((await connection.expect({ text: "again", sequence: 1 })).at);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  assert.ok((gaps[2] ?? 0) > 1.5 * (gaps[1] ?? 0), `gaps of ${gaps.map(Math.round).join(", ")} ms`);
  await connection.send("A");
  await connection.silence();
});

conformance("three duplicate acknowledgments bring what is missing at once", async (world) => {
  const { connection, socket } = await world.established(mssOption(500));
  await socket.send("z".repeat(3000));
  const first = await connection.expect({ sequence: 1, length: 500 });
  for (let seen = 1; seen < 6; seen++) await connection.receive();
  for (let duplicate = 0; duplicate < 3; duplicate++) await connection.send("A", { ack: 1 });
  const again = await connection.expect({ sequence: 1, length: 500 });
  assert.ok(again.at - first.at < 60_000);
});

conformance("an acknowledged hole is not filled again: SACK", async (world) => {
  const sack = [OPTION.sackPermitted, 2, 1, 1];
  const { connection, socket } = await world.established([...mssOption(500), ...sack]);
  await socket.send("z".repeat(3000));
  const initial = (await connection.expect({ sequence: 1, length: 500 })).segment.sequence;
  for (let seen = 1; seen < 6; seen++) await connection.receive();
  const block = Buffer.alloc(8);
  block.writeUInt32BE((initial + 500) >>> 0, 0);
  for (const end of [1000, 1500, 2000, 2500, 3000]) {
    block.writeUInt32BE((initial + end) >>> 0, 4);
    await connection.send("A", { ack: 1, options: [1, 1, OPTION.sack, 10, ...block] });
  }
  await connection.await({ sequence: 1, length: 500 });
  await connection.send("A", { ack: 3001 });
  await connection.silence();
});

conformance("the first flight has ten segments", async (world) => {
  const { connection, socket } = await world.established(mssOption(500));
  await socket.send("z".repeat(10_000));
  let bytes = 0;
  while (bytes < 5000) bytes += (await connection.receive()).text.length;
  await world.tester.fence();
  for (const { segment } of world.tester.arrivals(connection.ownPort)) bytes += segment.text.length;
  assert.equal(bytes, 5000);
});

// RFC 9293 SHLD-27
conformance("small writes become full segments", async (world) => {
  const { connection, socket } = await world.established(mssOption(1000), undefined, { window: 10_000 });
  await socket.send("first");
  await connection.expect({ text: "first" });
  for (let count = 0; count < 20; count++) await socket.send(WORD);
  await connection.send("A");
  await connection.expect({ length: 1000 });
  await connection.expect({ length: 1000 });
});
