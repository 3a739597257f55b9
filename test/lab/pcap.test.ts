// npm run lab -- pcap: what a capture of a guest's interface has in it, and that it is whole however it ends.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { capture, type CaptureOptions } from "../../tools/lab/pcap.ts";
import { etherType, parseIpv4 } from "../unit/net/frames.ts";
import { boot, BOOT_TIMEOUT_MS, useLab } from "./support.ts";

const TEST_TIMEOUT_MS = 180_000;
const IPV4 = 0x0800;
const TCP = 6;
const SYN = 2;
const ACK = 16;

const lab = useLab();

/** The frames of a capture file, which must end with the last of them. */
function framesOf(file: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let at = 24;
  while (at < file.length) {
    const length = file.readUInt32LE(at + 8);
    frames.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  assert.equal(at, file.length);
  return frames;
}

interface Segment {
  readonly source: number;
  readonly destination: number;
  readonly flags: number;
  readonly text: string;
}

function segmentsOf(frames: readonly Buffer[]): Segment[] {
  return frames
    .filter((frame) => etherType(frame) === IPV4)
    .map((frame) => parseIpv4(frame))
    .filter(({ protocol }) => protocol === TCP)
    .map(({ payload }) => ({
      source: payload.readUInt16BE(0),
      destination: payload.readUInt16BE(2),
      flags: payload.readUInt8(13),
      text: payload.toString("latin1", (payload.readUInt8(12) >> 4) * 4),
    }));
}

/** Starts a capture; resolves when it sees packets, to what it comes to. */
function begin(name: string, file: string, options: CaptureOptions): Promise<{ ended: Promise<number> }> {
  return new Promise((resolve, reject) => {
    const ended = capture(lab(), name, file, { ...options, onStart: () => resolve({ ended }) });
    ended.catch(reject);
  });
}

test(
  "a page that curl fetches is in the capture, which is whole when it is ended",
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "karyon-pcap-"));
    try {
      await using guest = await boot(lab(), "apps/httpd");
      await guest.console.waitFor(/httpd: \d+ files/, BOOT_TIMEOUT_MS);
      const file = join(folder, "page.pcap");
      const stop = new AbortController();
      const { ended } = await begin(guest.name, file, { signal: stop.signal });
      await lab().run(`curl -s -f -o /dev/null http://${await guest.address()}/`);
      await lab().run("sleep 0.5"); // tcpdump has passed on the last packets
      stop.abort();
      const packets = await ended;
      const frames = framesOf(await readFile(file));
      assert.equal(frames.length, packets);
      const segments = segmentsOf(frames);
      assert.ok(segments.some(({ flags, destination }) => flags === SYN && destination === 80));
      assert.ok(segments.some(({ flags, source }) => flags === (SYN | ACK) && source === 80));
      assert.ok(segments.some(({ text, source }) => text.startsWith("HTTP/1.1 200 OK") && source === 80));

      const five = join(folder, "five.pcap");
      const limited = await begin(guest.name, five, { packets: 5 });
      await lab().run(`curl -s -f -o /dev/null http://${await guest.address()}/`);
      assert.equal(await limited.ended, 5);
      assert.equal(framesOf(await readFile(five)).length, 5);

      assert.equal(
        (await capture(lab(), guest.name, join(folder, "quiet.pcap"), { seconds: 1, packets: 1000 })) < 1000,
        true,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

test("a domain that is not there is named", { timeout: TEST_TIMEOUT_MS }, async () => {
  await assert.rejects(capture(lab(), "nobody", "/dev/null"), { code: "LAB_PCAP", message: /nobody/ });
});
