// What netfront and the back end leave to each other: checksums, segmentation, notifications.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "../../tools/fake-xen/host.ts";
import type { Frame } from "../../tools/fake-xen/hub.ts";
import { fakeKernel } from "../support/fake.ts";
import { internetSum } from "../support/segmentation.ts";
import { etherType, parseIpv4 } from "../unit/net/frames.ts";
import { MESSAGE, scene } from "./bulk.ts";
import { GUEST_IP, GUEST_MAC, Peer } from "./peer.ts";

const kernel = await fakeKernel();

const IPV4 = 0x0800;
const TCP = 6;
const HEADER = 14 + 20;

/** True when the checksum of a TCP segment in an IPv4 frame is complete and right. */
function checksumHolds(frame: Buffer): boolean {
  const length = frame.length - HEADER;
  const pseudo = Buffer.concat([frame.subarray(26, 34), Buffer.from([0, TCP, length >> 8, length & 255])]);
  const all = Buffer.concat([pseudo, frame.subarray(HEADER)]);
  return internetSum(all, 0, all.length) === 0xffff;
}

/** All frames of TCP that pass while `settings` hold for the sender. */
function segments(settings: { segmentation?: boolean; checksums?: boolean }): Frame[] {
  const s = scene(kernel, { rounds: 2, network: settings });
  const frames: Frame[] = [];
  s.host.hub.join({
    receive: (frame) => {
      const bytes = Buffer.from(frame.bytes);
      if (etherType(bytes) === IPV4 && parseIpv4(bytes).protocol === TCP) frames.push(frame);
    },
  });
  s.await(2);
  assert.ok(s.received.every(({ length }) => length === MESSAGE));
  return frames;
}

/** Those of them that the sender sent: with text. */
function texts(frames: readonly Frame[]): Frame[] {
  return frames.filter(({ bytes }) => bytes.length > 200);
}

test("large frames say how they are to be cut, and have their checksum blank", () => {
  const sent = texts(segments({}));
  assert.ok(sent.some(({ bytes }) => bytes.length > 10_000));
  assert.ok(sent.every(({ checksumBlank }) => checksumBlank));
  for (const { bytes, gsoSize } of sent) assert.equal(gsoSize === 0, bytes.length <= 1514);
});

test("a back end that does not cut frames gets none that is to be cut", () => {
  const sent = texts(segments({ segmentation: false }));
  assert.ok(sent.every(({ bytes, gsoSize, checksumBlank }) => bytes.length <= 1514 && gsoSize === 0 && checksumBlank));
});

test("a back end that refuses blank checksums gets right ones", () => {
  const sent = texts(segments({ checksums: false }));
  assert.ok(sent.length > 0);
  for (const { bytes, gsoSize, checksumBlank } of sent) {
    assert.ok(!checksumBlank && gsoSize === 0);
    assert.ok(checksumHolds(Buffer.from(bytes)));
  }
});

test("the back end is told what it may leave to the guest", () => {
  const host = new Host(kernel, 1);
  const guest = host.create({ commandLine: `ip=${GUEST_IP}/24`, network: { mac: GUEST_MAC } });
  guest.awaitConsole("connected to domain 0");
  const said = (node: string): string | undefined => host.store.get(`${guest.netback!.front}/${node}`);
  for (const feature of ["sg", "gso-tcpv4", "gso-tcpv6", "ipv6-csum-offload", "rx-notify"]) {
    assert.equal(said(`feature-${feature}`), "1", feature);
  }
  assert.equal(said("feature-no-csum-offload"), "0");
  assert.equal(said("request-rx-copy"), "1");
});

test("a burst is answered with few notifications, and frames sent are not told at all", () => {
  const host = new Host(kernel, 1);
  const peer = new Peer(host.world, host.hub);
  const guest = host.create({ commandLine: `ip=${GUEST_IP}/24`, network: { mac: GUEST_MAC } });
  peer.awaitReply();
  host.world.pass(1e9);
  const { counts } = guest.netback!;
  const before = { ...counts };
  const replies = peer.replies.length;
  for (let i = 0; i < 100; i++) peer.ping(5000 + i);
  host.world.pass(1e9);
  assert.equal(peer.replies.length, replies + 100);
  assert.ok(counts.transmitted - before.transmitted >= 100);
  // One for the batch that came, one or two of each side to go on: not one a frame, in neither direction.
  assert.ok(
    counts.notifications - before.notifications <= 6,
    `${counts.notifications - before.notifications} of the guest's`,
  );
  assert.ok(counts.raised - before.raised <= 4, `${counts.raised - before.raised} of the back end's`);
});
