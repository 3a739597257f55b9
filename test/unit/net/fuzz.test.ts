// Hostile input: valid frames of every kind, damaged at random by a seeded generator, a hundred thousand of them. The
// stack must not trap (frames end where memory ends, so one byte read too many does), must not loop, and must have
// all its memory and buffers back when time has passed.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  OUR_IP,
  PEER_IP,
  arpFrame,
  icmp,
  ip,
  ipv4,
  ipv4Frame,
  internetChecksum,
  u32,
  udp,
  udpFrame,
} from "./frames.ts";
import { OFFER, parseDhcp, reply } from "./dhcp_server.ts";
import { SECOND, Stack, seededRandom } from "./stack.ts";

const FRAMES = 100_000;

type Random = () => number;

function bytes(length: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length }, () => random() & 255));
}

/** A frame that the stack would take, of a random kind. */
function validFrame(random: Random, dhcp: Buffer): Buffer {
  const ports = { sourcePort: 9, destinationPort: random() % 3 === 0 ? 5001 : 5000 };
  const quote = ipv4(
    { protocol: 17, source: OUR_IP, destination: PEER_IP },
    udp({ sourcePort: 5000, destinationPort: 9, source: OUR_IP, destination: PEER_IP }, bytes(8, random)),
  );
  const kinds = [
    () => arpFrame({ operation: 1 + (random() & 1), senderIp: `10.0.2.${random() & 255}` }),
    () => udpFrame(ports, bytes(random() % 1400, random)),
    () => ipv4Frame({ protocol: 1 }, icmp(8, 0, random(), bytes(random() % 200, random))),
    () => ipv4Frame({ protocol: 1 }, icmp([3, 11, 12][random() % 3] ?? 3, random() % 16, random() & 0xffff, quote)),
    () =>
      ipv4Frame(
        { protocol: 17, identification: random() % 32, fragment: random() & 0x3fff },
        bytes((random() % 150) * 8, random),
      ),
    () => ipv4Frame({ protocol: 17, options: bytes(4 * (random() % 11), random) }, udp(ports, bytes(20, random))),
    () => ipv4Frame({ protocol: random() & 255 }, bytes(random() % 64, random)),
    () => dhcp,
  ];
  return (kinds[random() % kinds.length] ?? kinds[0])?.() ?? Buffer.alloc(0);
}

/** Makes the header and UDP or ICMP checksums right again, so that the damage gets past them. */
function repair(frame: Buffer): void {
  if (frame.length < 34 || frame.readUInt16BE(12) !== 0x0800) return;
  const header = ((frame[14] ?? 0) & 15) * 4;
  if (header < 20 || 14 + header > frame.length) return;
  frame.writeUInt16BE(0, 24);
  frame.writeUInt16BE(internetChecksum(frame.subarray(14, 14 + header)), 24);
  const payload = frame.subarray(14 + header);
  if (frame[23] === 1 && payload.length >= 8) {
    payload.writeUInt16BE(0, 2);
    payload.writeUInt16BE(internetChecksum(payload), 2);
  } else if (frame[23] === 17 && payload.length >= 8) {
    payload.writeUInt16BE(0, 6);
  }
}

function damage(frame: Buffer, random: Random): Buffer {
  const kind = random() % 8;
  let damaged = Buffer.from(frame);
  for (let left = random() % 4; left > 0 && damaged.length > 0; left--) {
    // Headers are where the interesting bytes are.
    const span = random() % 2 === 0 ? Math.min(60, damaged.length) : damaged.length;
    damaged[random() % span] = random() & 255;
  }
  if (kind === 0) damaged = damaged.subarray(0, random() % (damaged.length + 1));
  if (kind === 1) damaged = Buffer.concat([damaged, bytes(random() % 64, random)]);
  if (kind !== 2) repair(damaged);
  return damaged;
}

/** A reply to the stack's DISCOVER with every option that the client reads, to be damaged. */
function dhcpReply(stack: Stack): Buffer {
  const [discover] = stack.take().flatMap((frame) => parseDhcp(frame) ?? []);
  assert.ok(discover);
  const options = [1, 3, 6, 26, 51, 58, 59].map((code) => [code, u32(ip("255.255.255.0"))] as const);
  return reply(discover, { type: OFFER, address: "10.0.2.15", options });
}

async function fuzz(seed: number, configured: boolean): Promise<void> {
  const random = seededRandom(seed);
  const stack = await Stack.create({ seed, configured });
  stack.call.runDhcp(stack.now);
  const dhcp = configured ? Buffer.alloc(0) : dhcpReply(stack);
  if (configured) stack.call.dhcpStop();
  const sockets = [stack.socket(5000), stack.socket(5001)];
  stack.call.connect(sockets[1] ?? 0, ip(PEER_IP), 9);
  const settle = (): number => {
    for (const socket of sockets) while (stack.call.udpPollEvents(socket) & 1) stack.receive(socket);
    stack.advance(120n * SECOND);
    stack.sent.length = 0;
    return stack.call.freePages();
  };
  // Every cache and slab gets its first page before the count.
  for (const size of [20, 1000])
    stack.input(udpFrame({ sourcePort: 67, destinationPort: configured ? 5000 : 68 }, bytes(size, random)));
  for (let i = 0; i < 2000; i++) stack.input(damage(validFrame(random, dhcp), random), random() & 3);
  const before = settle();
  for (let i = 0; i < FRAMES / 2; i++) {
    stack.input(damage(validFrame(random, dhcp), random), random() & 3);
    if (i % 64 === 0) stack.advance(BigInt(random() % 2000) * 1_000_000n);
    if (i % 128 === 0) for (const socket of sockets) stack.receive(socket);
    if (i % 1024 === 0) stack.sent.length = 0;
    assert.ok(stack.call.usedBuffers() <= 32);
  }
  assert.equal(settle(), before, "pages are missing");
  assert.equal(stack.call.usedBuffers(), 0, "device buffers are missing");
}

test("damaged frames, with an address", () => fuzz(2, true));
test("damaged frames, while the DHCP client is asking", () => fuzz(3, false));
