// IPv4 below TCP: options, fragments, wrong headers (RFC 791, RFC 1122, RFC 7126).
import assert from "node:assert/strict";
import { conformance } from "../case.ts";
import { ETHERNET_HEADER as IP, MORE_FRAGMENTS, PROTOCOL_TCP } from "../packets/ipv4.ts";
import { EAGAIN } from "../subject/subject.ts";

// RFC 9293 MUST-50
conformance("IPv4 options that TCP does not know do not disturb it", async (world) => {
  const { connection, socket } = await world.established();
  for (const options of [
    [1, 1, 1, 0],
    [7, 7, 4, 0, 0, 0, 0, 0],
    [68, 8, 5, 0, 0, 0, 0, 0],
    [148, 4, 0, 0],
  ]) {
    await connection.send("A", { text: "text", packet: { options: Buffer.from(options) } });
    await connection.await({ flags: "A", ack: connection.next });
    assert.deepEqual(await socket.receive(), Buffer.from("text"));
  }
});

conformance("a source-routed packet is dropped", async (world) => {
  const { connection, socket } = await world.established();
  const options = Buffer.from([131, 7, 4, 10, 0, 2, 1, 0]);
  await connection.send("A", { sequence: 1, text: "routed", packet: { options } });
  await world.tester.fence();
  assert.equal(await socket.receiveNow(), -EAGAIN);
});

conformance("a segment in fragments is put together, in any order", async (world) => {
  const { connection, socket } = await world.established();
  const payload = connection.segment("A", { text: "f".repeat(1000) });
  const piece = (from: number, to: number): Promise<void> =>
    world.tester.send({
      protocol: PROTOCOL_TCP,
      payload: payload.subarray(from, to),
      identification: 0xf001,
      fragment: (from / 8) | (to < payload.length ? MORE_FRAGMENTS : 0),
    });
  await piece(400, 800);
  await piece(800, payload.length);
  await piece(0, 400);
  await connection.await({ flags: "A", ack: 1001 });
  assert.deepEqual(await socket.receive(), Buffer.from("f".repeat(1000)));
});

conformance("fragments that overlap with other bytes are not put together", async (world) => {
  const { connection, socket } = await world.established();
  const payload = connection.segment("A", { sequence: 1, text: "f".repeat(1000) });
  const piece = (from: number, to: number, bytes = payload): Promise<void> =>
    world.tester.send({
      protocol: PROTOCOL_TCP,
      payload: bytes.subarray(from, to),
      identification: 0xf002,
      fragment: (from / 8) | (to < payload.length ? MORE_FRAGMENTS : 0),
    });
  await piece(0, 400);
  await piece(200, 600, Buffer.alloc(payload.length, 0x41));
  await piece(400, payload.length);
  await world.tester.fence();
  assert.equal(await socket.receiveNow(), -EAGAIN);
});

for (const [what, wrong] of [
  ["a wrong header checksum", (frame: Buffer) => frame.writeUInt8(frame.readUInt8(IP + 10) ^ 1, IP + 10)],
  ["another version", (frame: Buffer) => frame.writeUInt8(0x65, IP)],
  ["a header that is too short", (frame: Buffer) => frame.writeUInt8(0x44, IP)],
  ["a length beyond the frame", (frame: Buffer) => frame.writeUInt16BE(9000, IP + 2)],
] as const) {
  conformance(`a packet with ${what} is dropped silently`, async (world) => {
    const { connection, socket } = await world.established();
    await connection.send("A", { sequence: 1, text: "bad", wrong: (frame) => void wrong(frame) });
    await connection.silence();
    assert.equal(await socket.receiveNow(), -EAGAIN);
  });
}
