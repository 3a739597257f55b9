// More SYNs than a listener can remember (RFC 4987): who answers is still served.
import assert from "node:assert/strict";
import { conformance, type World } from "../case.ts";
import { mssOption, OPTION, parseOptions, timestampOption } from "../packets/tcp.ts";

/** Karyon remembers 256 half-open connections, Linux as many as the backlog of the listener says. */
const SYNS = 300;
const SACK_PERMITTED = [1, 1, 4, 2];
const SCALE_7 = [1, 3, 3, 7];

/** SYNs from many ports that are never followed up; each is answered. */
async function flood(world: World, port: number): Promise<void> {
  for (let i = 0; i < SYNS; i++) {
    const connection = world.connection(port);
    await connection.send("S");
    await connection.expect({ flags: "SA", ack: 1 });
  }
}

conformance("under a flood of SYNs a connection is opened, with all its options", async (world) => {
  const { port, listener } = await world.listening();
  await flood(world, port);
  const connection = world.connection(port);
  const options = [...mssOption(1400), ...timestampOption(1000, 0), ...SACK_PERMITTED, ...SCALE_7];
  await connection.send("S", { options });
  const { segment } = await connection.expect({ flags: "SA", ack: 1 });
  const answered = parseOptions(segment.options);
  assert.ok([OPTION.mss, OPTION.windowScale, OPTION.sackPermitted].every((option) => answered.has(option)));
  const stamp = answered.get(OPTION.timestamps)?.readUInt32BE(0);
  assert.ok(stamp !== undefined);
  await connection.send("PA", { text: "early", options: timestampOption(1001, stamp) });
  const socket = world.closeLater(await listener.accept());
  assert.equal(String(await socket.receive()), "early");
  await socket.send("answer");
  const answer = await connection.await({ text: "answer", sequence: 1 });
  const later = parseOptions(answer.segment.options).get(OPTION.timestamps)?.readUInt32BE(0) ?? 0;
  assert.ok(((later - stamp) | 0) >= 0, `timestamp ${later} after ${stamp}`);
});

conformance("under a flood of SYNs an ACK of nothing that was sent is reset", async (world) => {
  const { port, listener } = await world.listening();
  await flood(world, port);
  const connection = world.connection(port);
  await connection.send("S");
  await connection.expect({ flags: "SA" });
  await connection.send("A", { sequence: 1, ack: 99 });
  await connection.expect({ flags: "R", sequence: 99 });
  assert.equal(await listener.hasConnection(), false);
  await connection.send("A", { sequence: 1 });
  world.closeLater(await listener.accept());
});
