// What IP headers say beside addresses: explicit congestion notification (RFC 3168), and what a program asks for.
import assert from "node:assert/strict";
import { conformance, type Established, type World } from "../case.ts";
import type { Received } from "../connection.ts";
import { MORE_FRAGMENTS, PROTOCOL_TCP } from "../packets/ipv4.ts";
import { mssOption } from "../packets/tcp.ts";

const NOT_ECT = 0;
const ECT = 2;
const CE = 3;
/** Longer than a first retransmission takes. */
const RETRANSMISSION_MS = 5_000;

const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_TTL = 2;

function codepoint({ packet }: Received): number {
  return packet.typeOfService & 3;
}

/** A connection for which the tester has asked for ECN and got it. */
async function capable(world: World): Promise<Established> {
  const { port, listener } = await world.listening();
  const connection = world.connection(port);
  await connection.send("SEC", { options: mssOption(1460) });
  assert.equal(codepoint(await connection.expect({ flags: "SAE", ack: 1 })), NOT_ECT);
  await connection.send("A");
  return { connection, socket: world.closeLater(await listener.accept()), listener };
}

// RFC 9293 SHLD-8
conformance("ECN is agreed to with a SYN that asks for it, and with no other", async (world) => {
  const { port } = await world.listening();
  for (const [flags, typeOfService, answer] of [
    ["SEC", NOT_ECT, "SAE"],
    ["SEC", ECT, "SA"],
    ["SE", NOT_ECT, "SA"],
    ["SC", NOT_ECT, "SA"],
    ["S", NOT_ECT, "SA"],
  ] as const) {
    const connection = world.connection(port);
    await connection.send(flags, { packet: { typeOfService } });
    await connection.expect({ flags: answer });
  }
});

// RFC 9293 SHLD-8
conformance("a mark of congestion is echoed until the sender has slowed down", async (world) => {
  const { connection } = await capable(world);
  await connection.send("A", { text: "marked", packet: { typeOfService: CE } });
  await connection.expect({ flags: "AE", ack: connection.next });
  await connection.send("A", { text: "not marked", packet: { typeOfService: ECT } });
  await connection.expect({ flags: "AE", ack: connection.next });
  await connection.send("AC", { text: "slower", packet: { typeOfService: ECT } });
  await connection.expect({ flags: "A", ack: connection.next });
});

// RFC 9293 SHLD-8
conformance("a mark on a fragment is one of the segment, unless another fragment cannot have one", async (world) => {
  const { connection } = await capable(world);
  const inFragments = async (codepoints: readonly number[]): Promise<void> => {
    const payload = connection.segment("A", { text: "f".repeat(300) });
    for (const [index, typeOfService] of codepoints.entries()) {
      const last = index === codepoints.length - 1;
      const from = index * 80;
      await world.tester.send({
        protocol: PROTOCOL_TCP,
        payload: payload.subarray(from, last ? payload.length : from + 80),
        identification: 0xec00 + connection.next,
        fragment: (from / 8) | (last ? 0 : MORE_FRAGMENTS),
        typeOfService,
      });
    }
  };
  await inFragments([ECT, CE, ECT]);
  await connection.expect({ flags: "AE", ack: connection.next });
  const before = connection.next;
  await inFragments([NOT_ECT, CE, NOT_ECT]);
  await connection.silence();
  await connection.send("AC", { sequence: before, text: "f".repeat(300) });
  await connection.expect({ flags: "A", ack: connection.next });
});

// RFC 9293 SHLD-8
conformance("text may be marked when it goes for the first time, and then only", async (world) => {
  const { connection, socket } = await capable(world);
  await socket.send("text");
  assert.equal(codepoint(await connection.expect({ flags: "A", text: "text" })), ECT);
  assert.equal(codepoint(await connection.expect({ flags: "A", text: "text" }, RETRANSMISSION_MS)), NOT_ECT);
  await connection.send("A", { text: "answer" });
  assert.equal(codepoint(await connection.await({ flags: "A", ack: connection.next })), NOT_ECT);
});

// RFC 9293 SHLD-8
conformance("an echo of a mark is answered with CWR, once", async (world) => {
  const { connection, socket } = await capable(world);
  await socket.send("first");
  await connection.expect({ flags: "A", text: "first" });
  await connection.send("AE");
  await socket.send("second");
  assert.equal(codepoint(await connection.await({ flags: "AC", text: "second" })), ECT);
  await connection.send("A");
  await socket.send("third");
  await connection.await({ flags: "A", text: "third" });
});

// RFC 9293 MUST-48, MUST-49, SHLD-21, SHLD-22, SHLD-23
conformance(
  "service field and time to live are what the program asks for, from the SYN on and when it changes",
  async (world) => {
    const ask = async (socket: Established["socket"], service: number, hops: number): Promise<void> => {
      assert.equal(await socket.option(IPPROTO_IP, IP_TOS, service), 0);
      assert.equal(await socket.option(IPPROTO_IP, IP_TTL, hops), 0);
      assert.equal(await socket.optionValue(IPPROTO_IP, IP_TOS), service);
      assert.equal(await socket.optionValue(IPPROTO_IP, IP_TTL), hops);
    };
    const { port, listener } = await world.listening((socket) => ask(socket, 0xb8, 255));
    const connection = world.connection(port);
    await connection.send("S");
    const fields = ({ packet }: Received): number[] => [packet.typeOfService, packet.timeToLive];
    assert.deepEqual(fields(await connection.expect({ flags: "SA" })), [0xb8, 255]);
    await connection.send("A");
    const socket = world.closeLater(await listener.accept());
    await socket.send("text");
    assert.deepEqual(fields(await connection.expect({ flags: "A", text: "text" })), [0xb8, 255]);
    await connection.send("A");
    await ask(socket, 0x04, 3);
    await socket.send("more");
    assert.deepEqual(fields(await connection.await({ flags: "A", text: "more" })), [0x04, 3]);
  },
);
