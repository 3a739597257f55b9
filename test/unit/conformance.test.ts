// The tester of tools/conformance: its packets are the RFCs', and its report says where two systems differ.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { allCases } from "../../tools/conformance/cases/all.ts";
import { repositoryPath } from "../../tools/image/paths.ts";
import { decodeIcmp, encodeIcmp } from "../../tools/conformance/packets/icmp.ts";
import { decodeArp, decodeIpv4, encodeArp, encodeIpv4, type Ipv4Packet } from "../../tools/conformance/packets/ipv4.ts";
import { decodeSegment, encodeSegment, mssOption, parseOptions } from "../../tools/conformance/packets/tcp.ts";
import { documentText } from "../../tools/conformance/report.ts";
import { decodeAnswer, encodeRequest } from "../../tools/conformance/subject/protocol.ts";
import { internetSum } from "../support/segmentation.ts";

const MAC = Buffer.from([2, 0, 0, 0, 0, 1]);
const SEGMENT = {
  sourcePort: 1000,
  destinationPort: 80,
  sequence: 0xfffffff0,
  acknowledgment: 7,
  flags: "PA",
  window: 500,
  urgent: 0,
  options: Buffer.from(mssOption(1460)),
  text: Buffer.from("odd"),
};

test("a segment comes back as it went, with a checksum that holds", () => {
  const bytes = encodeSegment(SEGMENT, "10.0.2.1", "10.0.2.2");
  const decoded = decodeSegment(bytes, "10.0.2.1", "10.0.2.2");
  assert.deepEqual(decoded, SEGMENT);
  assert.deepEqual(parseOptions(decoded.options).get(2), Buffer.from([5, 180]));
  assert.equal(decodeSegment(bytes, "10.0.2.1", "10.0.2.3"), undefined, "the addresses belong to the checksum");
  bytes.writeUInt8(bytes.readUInt8(22) ^ 4, 22);
  assert.equal(decodeSegment(bytes, "10.0.2.1", "10.0.2.2"), undefined);
  assert.equal(decodeSegment(bytes.subarray(0, 19), "10.0.2.1", "10.0.2.2"), undefined);
});

test("packets, messages and ARP come back as they went", () => {
  const packet: Ipv4Packet = {
    destinationMac: MAC,
    sourceMac: MAC,
    source: "10.0.2.1",
    destination: "224.0.0.1",
    protocol: 6,
    payload: Buffer.from("payload"),
    typeOfService: 3,
    timeToLive: 9,
    identification: 4711,
    fragment: 0x2007,
    options: Buffer.from([1, 1, 1, 0]),
  };
  const frame = encodeIpv4(packet);
  assert.deepEqual(decodeIpv4(frame), packet);
  assert.equal(internetSum(frame, 14, 14 + 24), 0xffff, "the header's checksum");
  assert.equal(decodeArp(frame), undefined);
  const message = { type: 3, code: 4, word: 1000, data: Buffer.from("quoted") };
  assert.deepEqual(decodeIcmp(encodeIcmp(message)), message);
  const arp = { operation: 1, senderMac: MAC, sender: "10.0.2.1", target: "10.0.2.2" };
  assert.deepEqual(decodeArp(encodeArp(arp, MAC)), arp);
});

test("requests and answers are cut where they end", () => {
  const request = encodeRequest({ operation: "send", fd: 3, a: 1, data: Buffer.from("abc") });
  assert.equal(request.length, 23);
  assert.deepEqual([request.readUInt32LE(0), request.readInt32LE(4), request.readUInt32LE(16)], [5, 3, 3]);
  const answer = Buffer.from([0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 7, 8, 9]);
  assert.equal(decodeAnswer(answer.subarray(0, 9)), undefined);
  assert.deepEqual(decodeAnswer(answer), { answer: { result: -1, data: Buffer.from([7, 8]) }, length: 10 });
});

test("the report tells where two systems differ, and which of them does otherwise", () => {
  const text = documentText({
    karyon: new Map([
      ["same", undefined],
      ["other", undefined],
      ["ours", new Error("nothing came\nat once")],
    ]),
    linux: new Map([
      ["same", undefined],
      ["other", new Error("a reset")],
      ["ours", undefined],
    ]),
  });
  assert.match(text, /Of 3 cases, Karyon does as expected in 2 and Linux in 2\./);
  assert.match(text, /\*\*other\*\*: Linux – a reset\n- \*\*ours\*\*: Karyon – nothing came\n/);
  assert.match(text, /\| same \| as expected \| as expected \|/);
});

test("docs/conformance.md tells of the cases that there are", async () => {
  const lines = (await readFile(repositoryPath("docs", "conformance.md"), "utf8")).split("\n");
  const told = lines.flatMap((line) => /^\| (.*?) +\| (?:as expected|differs) /.exec(line)?.[1] ?? []);
  const names = allCases().map(({ name }) => name);
  assert.deepEqual(told, names, "run npm run conformance");
  assert.equal(new Set(names).size, names.length, "two cases have one name");
});
