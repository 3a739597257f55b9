// Captures from the lab's dom0: whatever pieces they come in, and wherever they end, the file is whole.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PcapStream } from "../../tools/lab/pcap.ts";

function record(length: number, fill: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(length, 8);
  header.writeUInt32LE(length, 12);
  return Buffer.concat([header, Buffer.alloc(length, fill)]);
}

const HEADER = Buffer.alloc(24);
HEADER.writeUInt32LE(0xa1b2c3d4, 0);
const RECORDS = [record(60, 1), record(0, 2), record(66_000, 3), record(1, 4)];
const CAPTURE = Buffer.concat([HEADER, ...RECORDS]);

for (const size of [1, 7, 24, 40, 1000, CAPTURE.length]) {
  test(`a capture that comes in pieces of ${size} bytes is passed on whole`, () => {
    const written: Buffer[] = [];
    const stream = new PcapStream((bytes) => void written.push(Buffer.from(bytes)));
    for (let at = 0; at < CAPTURE.length; at += size) stream.push(CAPTURE.subarray(at, at + size));
    assert.ok(Buffer.concat(written).equals(CAPTURE));
    assert.equal(stream.packets, RECORDS.length);
  });
}

test("what is written ends with a packet, wherever the capture is cut", () => {
  const ends = new Set([0, 24]);
  for (let i = 0, at = 24; i < RECORDS.length; i++) ends.add((at += RECORDS[i]!.length));
  for (let cut = 0; cut < CAPTURE.length; cut += cut < 300 ? 1 : 997) {
    let written = 0;
    new PcapStream((bytes) => (written += bytes.length)).push(CAPTURE.subarray(0, cut));
    assert.ok(ends.has(written), `${written} bytes of ${cut}`);
  }
});

test("what is no capture is refused", () => {
  const stream = new PcapStream(() => undefined);
  assert.throws(() => stream.push(Buffer.from("tcpdump: vif3.0: No such device exists")), { code: "LAB_PCAP" });
  const broken = Buffer.concat([HEADER, record(0, 0)]);
  broken.writeUInt32LE(0xffff_fff0, 24 + 8);
  assert.throws(() => new PcapStream(() => undefined).push(broken), { code: "LAB_PCAP" });
});
