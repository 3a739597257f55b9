// ICMP messages about a connection (RFC 9293, 3.9.2.2; RFC 5927), and others (RFC 1122, 3.2.2).
import assert from "node:assert/strict";
import { conformance, type Established, type World } from "../case.ts";
import {
  ECHO_REPLY,
  ECHO_REQUEST,
  encodeIcmp,
  PARAMETER_PROBLEM,
  SOURCE_QUENCH,
  TIME_EXCEEDED,
  UNREACHABLE,
} from "../packets/icmp.ts";
import { encodeIpv4, ETHERNET_HEADER, PROTOCOL_ICMP, PROTOCOL_UDP, type Ipv4Packet } from "../packets/ipv4.ts";
import { mssOption } from "../packets/tcp.ts";
import { POLLOUT } from "../subject/subject.ts";

const ECONNREFUSED = 111;
const ROUTER = "10.0.2.78";
const QUOTE = 20 + 8;
const PORT_UNREACHABLE = 3;
const FRAGMENTATION_NEEDED = 4;

/** Tells the subject that `packet`, which it sent, did not get where it should. */
async function report(world: World, packet: Buffer, type: number, code: number, word = 0): Promise<void> {
  const payload = encodeIcmp({ type, code, word, data: packet.subarray(0, QUOTE) });
  await world.tester.send({ protocol: PROTOCOL_ICMP, payload, source: ROUTER });
}

/** The packet in which the next segment of the connection comes. */
async function nextPacket({ connection }: Established): Promise<Buffer> {
  return packetBytes((await connection.receive()).packet);
}

function packetBytes(packet: Ipv4Packet): Buffer {
  return encodeIpv4(packet).subarray(ETHERNET_HEADER);
}

conformance("an echo request is answered with its data", async (world) => {
  const data = Buffer.from("a".repeat(777));
  const payload = encodeIcmp({ type: ECHO_REQUEST, code: 0, word: 0x01020304, data });
  await world.tester.send({ protocol: PROTOCOL_ICMP, payload });
  const { word, data: answered } = await world.tester.message(({ type }) => type === ECHO_REPLY);
  assert.equal(word, 0x01020304);
  assert.deepEqual(answered, data);
});

conformance("a datagram to a port that nobody has is reported", async (world) => {
  const payload = Buffer.from([0x30, 0x39, 0xee, 0xee, 0, 8, 0, 0]);
  await world.tester.send({ protocol: PROTOCOL_UDP, payload });
  await world.tester.message(({ type, code }) => type === UNREACHABLE && code === PORT_UNREACHABLE);
});

// RFC 9293 SHLD-26, MUST-54
conformance("port unreachable ends an opening", async (world) => {
  const { socket } = await refused(world);
  await socket.poll(POLLOUT);
  assert.equal(await socket.error(), ECONNREFUSED);
});

async function refused(world: World): Promise<Established> {
  const socket = await world.socket();
  const ownPort = world.tester.newPort();
  await socket.connect("10.0.2.77", ownPort);
  const arrivals = world.tester.arrivals(ownPort);
  const { packet } = await world.tester.until("a SYN", () => arrivals.shift());
  await report(world, packetBytes(packet), UNREACHABLE, PORT_UNREACHABLE);
  return { socket, connection: world.connection(1), listener: socket };
}

// RFC 9293 MUST-56, SHLD-25, MUST-55
conformance("no message ends a connection that stands", async (world) => {
  const established = await world.established();
  const { connection, socket } = established;
  await socket.send("unacknowledged");
  const packet = await nextPacket(established);
  for (const code of [0, 1, 2, 3, 5]) await report(world, packet, UNREACHABLE, code);
  for (const code of [0, 1]) await report(world, packet, TIME_EXCEEDED, code);
  await report(world, packet, PARAMETER_PROBLEM, 0);
  await report(world, packet, SOURCE_QUENCH, 0);
  await connection.send("A", { text: "alive" });
  await connection.await({ flags: "A", ack: 6 });
  assert.deepEqual(await socket.receive(), Buffer.from("alive"));
});

// RFC 9293 SHLD-6
conformance("a narrower path makes segments shorter at once", async (world) => {
  const established = await world.established(mssOption(1460));
  const { connection, socket } = established;
  await socket.send("z".repeat(1460));
  const packet = await nextPacket(established);
  await report(world, packet, UNREACHABLE, FRAGMENTATION_NEEDED, 1000);
  const { text } = await connection.receive();
  assert.ok(text.length > 0 && text.length <= 960, `${text.length} bytes`);
});

conformance("a message about a segment that was never sent changes nothing", async (world) => {
  const established = await world.established(mssOption(1460));
  const { connection, socket } = established;
  await socket.send("z".repeat(1460));
  const packet = await nextPacket(established);
  // What an earlier case has said of the path may hold still.
  const length = packet.length - 40;
  packet.writeUInt32BE((packet.readUInt32BE(24) + 1_000_000) >>> 0, 24);
  await report(world, packet, UNREACHABLE, FRAGMENTATION_NEEDED, 600);
  await connection.receiveText(1460 - length);
  await socket.send("y".repeat(length));
  await connection.expect({ length });
});
