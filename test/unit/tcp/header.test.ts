// What stands in the headers of our segments, and what is allowed in those of the peer's (RFC 9293, 3.1 and 3.2).
import assert from "node:assert/strict";
import { test } from "node:test";
import { fillTcpChecksum, internetSum } from "../../support/segmentation.ts";
import { brief, establishedPeer, mssOption, Peer, PEER_PORT, timestampOption, type Segment } from "./peer.ts";
import { established, text } from "./sender.ts";

const MSS = 2;

/** The kinds of the options of a segment; fails when a length does not fit, or padding is not zero. */
function kinds({ options }: Segment): number[] {
  const found: number[] = [];
  for (let at = 0; at < options.length;) {
    const kind = options[at] ?? 0;
    if (kind === 0) {
      assert.ok(options.subarray(at).every((byte) => byte === 0));
      break;
    }
    if (kind !== 1) found.push(kind);
    const length = kind === 1 ? 1 : (options[at + 1] ?? 0);
    assert.ok(length >= 1 && at + length <= options.length);
    at += length;
  }
  return found;
}

// RFC 9293 MUST-2
test("every segment has a correct checksum", async () => {
  const peer = await Peer.create();
  const child = peer.open(peer.stack.listen(80));
  peer.stack.transmitted.length = 0;
  peer.stack.send(child, "an odd number of bytes.");
  peer.stack.shutdown(child);
  const frames = peer.stack.transmitted.filter((frame) => frame[23] === 6);
  assert.ok(frames.length > 0);
  for (const frame of frames) {
    const again = frame.slice();
    fillTcpChecksum(again);
    assert.deepEqual(again, frame);
  }
});

// RFC 9293 MUST-14, MUST-65, MUST-68, MUST-69, MAY-3
test("a syn has an mss, other segments have none, and every option has its length", async () => {
  const peer = await Peer.create();
  const options = Uint8Array.from([...mssOption(1000), 1, 3, 3, 7, 4, 2, ...timestampOption(1, 0)]);
  const [answer] = peer.send({ flags: "S", options });
  assert.equal(answer?.flags, "RA"); // nobody listens
  const listener = peer.stack.listen(80);
  const [synAck] = peer.send({ flags: "S", options });
  assert.ok(synAck !== undefined);
  assert.deepEqual(kinds(synAck).sort(), [2, 3, 4, 8]);
  peer.send({ sequence: 1, ack: 1, options: Uint8Array.from(timestampOption(2, 0)) });
  const child = peer.stack.accept(listener);
  peer.stack.send(child, "hello");
  const early = peer.send({ sequence: 9, ack: 1, text: "early", options: Uint8Array.from(timestampOption(3, 0)) });
  const segments = [...peer.received(), ...early];
  assert.ok(segments.length >= 2);
  for (const segment of segments) assert.equal(kinds(segment).includes(MSS), false);
  assert.ok(segments.some((segment) => kinds(segment).includes(5)));
  peer.stack.connect(0x0a000009, PEER_PORT);
  const [syn] = peer.received();
  assert.ok(syn !== undefined && kinds(syn).includes(MSS));
});

// RFC 9293 MUST-4, MUST-5, MUST-6, MUST-64
test("any segment may have options, known or not, at any alignment", async () => {
  const { peer, child } = await establishedPeer();
  const lists = [
    [0],
    [1],
    [1, 1, 1, 1],
    mssOption(100),
    [1, ...mssOption(100)],
    [253, 5, 1, 2, 3, 1, 254, 2],
    [0, 9, 9, 9],
  ];
  let sequence = 1;
  for (const list of lists) {
    peer.send({ sequence, ack: 1, text: "x", options: Uint8Array.from(list) });
    assert.equal(peer.stack.readText(child), "x", list.join(" "));
    sequence += 1;
  }
});

// RFC 9293 MUST-50
test("options in the IP header are skipped, but a source route is refused", async () => {
  const withOptions = (peer: Peer, options: readonly number[]): Uint8Array => {
    const plain = peer.frame({ flags: "S" });
    const frame = new Uint8Array(plain.length + options.length);
    frame.set(plain.subarray(0, 34));
    frame.set(options, 34);
    frame.set(plain.subarray(34), 34 + options.length);
    const view = new DataView(frame.buffer);
    frame[14] = 0x45 + options.length / 4;
    view.setUint16(16, frame.length - 14);
    view.setUint16(24, 0);
    view.setUint16(24, ~internetSum(frame, 14, 34 + options.length) & 0xffff);
    return frame;
  };
  const peer = await Peer.create();
  peer.stack.listen(80);
  const harmless = [
    [1, 1, 1, 0],
    [7, 7, 4, 0, 0, 0, 0, 0], // record route
    [68, 8, 5, 0, 0, 0, 0, 0], // timestamp
    [148, 4, 0, 0], // router alert
  ];
  for (const options of harmless) {
    peer.deliver(withOptions(peer, options));
    assert.deepEqual(brief(peer.received()), ["SA 0 1"], options.join(" "));
  }
  peer.deliver(withOptions(peer, [131, 7, 4, 10, 0, 0, 7, 0]));
  peer.deliver(withOptions(peer, [137, 7, 4, 10, 0, 0, 7, 0]));
  assert.deepEqual(peer.received(), []);
});

// RFC 9293 MUST-1
test("a window of more than 32767 is a large window", async () => {
  const { peer, child } = await established(65_000);
  peer.stack.send(child, text(120_000));
  let sent = peer.received().length;
  for (let acked = 1; sent < 200 && acked + 1000 <= 1 + sent * 1000; acked += 1000) {
    sent += peer.send({ sequence: 1, ack: acked, window: 65_000 }).length;
    if (peer.stack.field(child, "congestionWindow") >= 65_000) break;
  }
  const { sendMax, una } = {
    sendMax: peer.stack.field(child, "sendMax"),
    una: peer.stack.field(child, "sendUnacknowledged"),
  };
  assert.ok((sendMax - una) >>> 0 > 32_767);
});

// RFC 9293 REC-1
test("a scaled window needs 32 bits", async () => {
  const peer = await Peer.create();
  const child = peer.open(peer.stack.listen(80), { options: Uint8Array.from([...mssOption(1000), 1, 3, 3, 10]) });
  peer.send({ sequence: 1, ack: 1, window: 65_535 });
  assert.equal(peer.stack.field(child, "sendWindow"), 65_535 << 10);
});
