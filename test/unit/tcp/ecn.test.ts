// Explicit congestion notification, segment by segment (RFC 3168, section 6.1).
import assert from "node:assert/strict";
import { test } from "node:test";
import { internetSum } from "../../support/segmentation.ts";
import { brief, mssOption, Peer, PEER_PORT, type Outgoing, type Segment } from "./peer.ts";
import { MSS, text } from "./sender.ts";
import { State, type StackOptions } from "./stack.ts";

const NOT_ECT = 0;
const ECT_1 = 1;
const ECT_0 = 2;
const CE = 3;

const NEVER = 0;
const ASK = 1;

/** "SEC 0": flags, and the ECN codepoint of the packet. */
function marks(segments: readonly Segment[]): string[] {
  return segments.map(({ flags, service }) => `${flags.replace("P", "")} ${service & 3}`);
}

/** A connection that was opened with ECN by the peer; the window is `window`. */
async function established(options: StackOptions = {}, window = 65535): Promise<{ peer: Peer; child: number }> {
  const peer = await Peer.create(options);
  const listener = peer.stack.listen(80);
  const [synAck] = peer.send({ flags: "SEC", window, options: Uint8Array.from(mssOption(MSS)) });
  assert.equal(synAck?.flags, "SAE");
  peer.send({ sequence: 1, ack: 1, window });
  const child = peer.stack.accept(listener);
  assert.notEqual(child, 0);
  return { peer, child };
}

function ack(number: number, flags = "A"): Outgoing {
  return { sequence: 1, ack: number, flags };
}

function windowOf(peer: Peer, socket: number): number {
  return peer.stack.field(socket, "congestionWindow");
}

// RFC 9293 SHLD-8
test("a listener agrees to a SYN that asks, and to none that does not", async () => {
  for (const [flags, service, answer] of [
    ["SEC", NOT_ECT, "SAE 0"],
    ["S", NOT_ECT, "SA 0"],
    ["SE", NOT_ECT, "SA 0"],
    ["SC", NOT_ECT, "SA 0"],
    ["SEC", ECT_0, "SA 0"], // something on the way writes the field
    ["SEC", CE, "SA 0"],
  ] as const) {
    const peer = await Peer.create();
    peer.stack.listen(80);
    assert.deepEqual(marks(peer.send({ flags, service })), [answer], `${flags} ${service}`);
    assert.deepEqual(marks(peer.pass(1_100)), [answer]); // and so when it says it again
  }
});

test("a listener that must not does not agree", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  assert.equal(peer.stack.call("tcpEcn", listener), 2);
  assert.equal(peer.stack.call("tcpSetEcn", listener, NEVER), 0);
  assert.equal(peer.stack.call("tcpEcn", listener), NEVER);
  assert.deepEqual(marks(peer.send({ flags: "SEC" })), ["SA 0"]);
});

test("a peer that falls back to a SYN without ECN gets none", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  assert.deepEqual(marks(peer.send({ flags: "SEC" })), ["SAE 0"]);
  assert.deepEqual(marks(peer.send({ flags: "S" })), ["SA 0"]);
  peer.send({ sequence: 1, ack: 1 });
  peer.stack.send(peer.stack.accept(listener), "text");
  assert.deepEqual(marks(peer.received()), ["A 0"]);
});

/** A socket that asks for ECN has sent its SYN. */
async function asking(): Promise<{ peer: Peer; socket: number }> {
  const peer = await Peer.create();
  const socket = peer.stack.socket();
  peer.stack.call("tcpSetEcn", socket, ASK);
  peer.stack.connect(0x0a000009, PEER_PORT, socket);
  const [syn] = peer.received();
  assert.deepEqual(marks(syn === undefined ? [] : [syn]), ["SEC 0"]);
  peer.port = PEER_PORT;
  return { peer, socket };
}

/** What the first segment of text says after the peer has answered with `flags`. */
function answered(peer: Peer, socket: number, flags: string, service = NOT_ECT): string[] {
  const destinationPort = peer.stack.call("tcpLocalPort", socket);
  peer.send({ destinationPort, flags, service, sequence: 0, ack: 1 });
  assert.equal(peer.stack.field(socket, "state"), State.ESTABLISHED);
  peer.stack.send(socket, "text");
  return marks(peer.received());
}

// RFC 9293 SHLD-8
test("a SYN asks when the socket is to; the answer decides", async () => {
  for (const [flags, service, result] of [
    ["SAE", NOT_ECT, "A 2"],
    ["SA", NOT_ECT, "A 0"],
    ["SAC", NOT_ECT, "A 0"],
    ["SAEC", NOT_ECT, "A 0"], // a peer that sends reserved bits back
    ["SAE", CE, "A 0"],
  ] as const) {
    const { peer, socket } = await asking();
    assert.deepEqual(answered(peer, socket, flags, service), [result], `${flags} ${service}`);
  }
});

test("by default a SYN does not ask, and an answer that agrees to nothing changes nothing", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.connect(0x0a000009, PEER_PORT);
  assert.deepEqual(marks(peer.received()), ["S 0"]);
  assert.deepEqual(answered(peer, socket, "SAE"), ["A 0"]);
});

test("a SYN that is not answered goes again without asking; if the first was heard after all, marks are echoed, none invited", async () => {
  const { peer, socket } = await asking();
  assert.deepEqual(marks(peer.pass(1_100)), ["S 0"]);
  const destinationPort = peer.stack.call("tcpLocalPort", socket);
  assert.deepEqual(answered(peer, socket, "SAE"), ["A 0"]);
  const [echo] = peer.send({ destinationPort, sequence: 1, ack: 5, text: "marked", service: CE });
  assert.deepEqual(marks(echo === undefined ? [] : [echo]), ["AE 0"]);
});

test("two that ask at the same time agree", async () => {
  const { peer, socket } = await asking();
  const destinationPort = peer.stack.call("tcpLocalPort", socket);
  assert.deepEqual(marks(peer.send({ destinationPort, flags: "SEC", sequence: 0 })), ["SAE 0"]);
  peer.send({ destinationPort, flags: "SAE", sequence: 0, ack: 1 });
  peer.stack.send(socket, "text");
  assert.deepEqual(marks(peer.received().slice(-1)), ["A 2"]);
});

// RFC 9293 SHLD-8
test("a mark is echoed at once and in every segment until the peer says CWR", async () => {
  const { peer, child } = await established();
  assert.deepEqual(marks(peer.send({ sequence: 1, ack: 1, text: "12345", service: CE })), ["AE 0"]);
  peer.stack.send(child, "answer");
  assert.deepEqual(marks(peer.received()), ["AE 2"]);
  peer.send({ sequence: 6, ack: 7, text: "12345", service: ECT_0 });
  assert.deepEqual(marks(peer.pass(300)), ["AE 0"]);
  assert.deepEqual(marks(peer.send({ sequence: 11, ack: 7, flags: "AC", text: "12345", service: ECT_0 })), ["A 0"]);
  peer.send({ sequence: 16, ack: 7, text: "12345", service: ECT_1 });
  assert.deepEqual(marks(peer.pass(300)), ["A 0"]);
  // CWR and another mark in one segment: the mark is newer.
  assert.deepEqual(marks(peer.send({ sequence: 21, ack: 7, flags: "AC", text: "12345", service: CE })), ["AE 0"]);
});

test("marks outside the window, without text, or without an agreement are not echoed", async () => {
  const { peer } = await established();
  peer.send({ sequence: 1, ack: 1, text: "12345", service: ECT_0 });
  peer.pass(300);
  for (const out of [
    { sequence: 1, ack: 1, text: "12345", service: CE }, // sent again
    { sequence: 6 + 0x20000, ack: 1, text: "12345", service: CE },
    { sequence: 6, ack: 1, service: CE },
  ]) {
    const answer = [...peer.send(out), ...peer.pass(300)];
    assert.ok(
      answer.every(({ flags }) => !flags.includes("E")),
      marks(answer).join(),
    );
  }
  const plain = await Peer.create();
  plain.open(plain.stack.listen(80));
  assert.deepEqual(marks([...plain.send({ sequence: 1, ack: 1, text: "x", service: CE }), ...plain.pass(300)]), [
    "A 0",
  ]);
});

test("only new text may be marked: no ACK, no FIN, no probe, nothing that is sent again", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, text(2 * MSS));
  assert.deepEqual(marks(peer.received()), ["A 2", "A 2"]);
  assert.deepEqual(new Set(marks(peer.pass(1_500))), new Set(["A 0"])); // the time-out
  peer.send(ack(2 * MSS + 1));
  assert.deepEqual(
    marks(
      peer.send({
        sequence: 1,
        ack: 2 * MSS + 1,
        text: text(2 * MSS)
          .join("")
          .slice(0, 2 * MSS),
      }),
    ),
    ["A 0"],
  );
  peer.send({ sequence: 1 + 2 * MSS, ack: 2 * MSS + 1, window: 0 });
  peer.stack.send(child, "beyond");
  assert.deepEqual(marks(peer.pass(3_000)).slice(0, 1), ["A 0"]); // a probe of the closed window
  peer.send({ sequence: 1 + 2 * MSS, ack: 2 * MSS + 1, window: 65535 });
  peer.send({ sequence: 1 + 2 * MSS, ack: 2 * MSS + 1 + 6, window: 65535 });
  peer.received();
  peer.stack.shutdown(child);
  assert.deepEqual(marks(peer.received()), ["FA 0"]);
});

// RFC 9293 SHLD-8
test("an echo reduces the window once for what was under way, and the next new text says CWR", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, text(10 * MSS));
  assert.equal(peer.received().length, 10);
  const before = windowOf(peer, child);
  assert.equal(before, 10 * MSS);
  assert.deepEqual(peer.send(ack(1 + MSS, "AE")), []);
  assert.equal(windowOf(peer, child), 7 * MSS); // CUBIC's 0.7; nothing is sent again
  for (let number = 2; number <= 9; number++) peer.send(ack(1 + number * MSS, "AE"));
  assert.equal(windowOf(peer, child), 7 * MSS); // nor grown meanwhile
  peer.stack.send(child, text(2 * MSS));
  assert.deepEqual(marks(peer.received()), ["AC 2", "A 2"]);
  peer.send(ack(1 + 10 * MSS, "AE")); // the last of the old window
  assert.equal(windowOf(peer, child), 7 * MSS);
  peer.stack.send(child, text(7 * MSS));
  peer.received();
  peer.send(ack(1 + 11 * MSS, "AE")); // of what was sent after the reduction: another mark
  assert.ok(windowOf(peer, child) < 7 * MSS);
});

test("an echo to one who sends nothing that may be marked is not believed", async () => {
  const peer = await Peer.create();
  const child = peer.open(peer.stack.listen(80), { options: Uint8Array.from(mssOption(MSS)) });
  peer.stack.send(child, text(10 * MSS));
  peer.received();
  const before = windowOf(peer, child);
  peer.send(ack(1 + MSS, "AE"));
  assert.ok(windowOf(peer, child) > before);
});

test("a loss is told with CWR too, and a loss in a window that a mark has reduced does not reduce it again", async () => {
  const lose = async (marked: boolean): Promise<{ threshold: number; flags: string[] }> => {
    const { peer, child } = await established();
    peer.stack.send(child, text(10 * MSS));
    peer.received();
    peer.send(ack(1 + MSS, marked ? "AE" : "A"));
    for (let duplicates = 0; duplicates < 3; duplicates++) peer.send(ack(1 + MSS));
    const threshold = peer.stack.field(child, "slowStartThreshold");
    peer.stack.send(child, text(5 * MSS));
    peer.send(ack(1 + 10 * MSS));
    return { threshold, flags: marks(peer.pass(1)) };
  };
  const plain = await lose(false);
  assert.ok(plain.threshold < 7 * MSS);
  const marked = await lose(true);
  assert.equal(marked.threshold, 7 * MSS);
  for (const { flags } of [plain, marked]) assert.equal(flags.filter((each) => each === "AC 2").length <= 1, true);
});

test("with a window of one segment an echo makes the next one wait for the retransmission timer", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, text(MSS));
  peer.received();
  peer.pass(1_500); // lost: the window is one segment now
  assert.equal(windowOf(peer, child), MSS);
  peer.send(ack(1 + MSS, "AE"));
  peer.stack.send(child, text(2 * MSS));
  assert.deepEqual(peer.received(), []);
  const sent = peer.pass(10_000);
  assert.equal(brief(sent)[0], `AC ${1 + MSS} 1 ${MSS}`);
});

test("what says CWR is not left to the device to cut", async () => {
  const { peer, child } = await established({ features: 7 }, 65535);
  peer.stack.send(child, text(10 * MSS));
  assert.equal(peer.received().length, 10);
  peer.send(ack(1 + MSS, "AE"));
  peer.send(ack(1 + 10 * MSS));
  peer.stack.send(child, text(6 * MSS));
  const segments = peer.received();
  assert.deepEqual(marks(segments), ["AC 2", "A 2", "A 2", "A 2", "A 2", "A 2"]);
});

test("what the application asks of the service field stays beside the marks", async () => {
  const { peer, child } = await established();
  peer.stack.call("ask", child, 46 << 2, 0, 0, 0);
  peer.stack.send(child, "text");
  const [segment] = peer.received();
  assert.equal(segment?.service, (46 << 2) | ECT_0);
});

/** The frame in fragments of 16 bytes of payload, the last longer, with these ECN codepoints. */
function fragments(frame: Uint8Array, codepoints: readonly number[]): Uint8Array[] {
  return codepoints.map((codepoint, index) => {
    const from = 34 + 16 * index;
    const last = index === codepoints.length - 1;
    const part = Uint8Array.from([...frame.subarray(0, 34), ...frame.subarray(from, last ? frame.length : from + 16)]);
    const view = new DataView(part.buffer);
    view.setUint8(15, codepoint);
    view.setUint16(16, part.length - 14);
    view.setUint16(20, (last ? 0 : 0x2000) | (2 * index));
    view.setUint16(24, 0);
    view.setUint16(24, ~internetSum(part, 14, 34) & 0xffff);
    return part;
  });
}

test("a mark on a fragment is one of the packet, unless another fragment says that nobody understands it (section 5.3)", async () => {
  for (const [codepoints, expected] of [
    [[ECT_0, CE, ECT_0], "AE"],
    [[CE, ECT_0, ECT_1], "AE"],
    [[ECT_1, ECT_0, CE], "AE"],
    [[CE, CE, CE], "AE"],
    [[ECT_0, ECT_0, ECT_0], "A"],
    [[NOT_ECT, NOT_ECT, NOT_ECT], "A"],
    [[NOT_ECT, CE, ECT_0], undefined],
    [[CE, CE, NOT_ECT], undefined],
  ] as const) {
    const { peer, child } = await established();
    const frame = peer.frame({ sequence: 1, ack: 1, text: "a text of forty bytes, which are enough." });
    for (const part of fragments(frame, codepoints)) peer.deliver(part);
    const [answer] = peer.pass(300);
    assert.equal(answer?.flags, expected, codepoints.join());
    assert.equal(typeof peer.stack.readText(child), expected === undefined ? "number" : "string");
  }
});
