// What IPv6 counts, under the names of Linux's /proc/net/snmp6.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fragments, icmp, linkLocal, macOf, packetFrame, type Packet } from "./frames.ts";
import { Host, PEER, US } from "./host.ts";

const source = await readFile(new URL("../../../libos/net/counters.ts", import.meta.url), "utf8");
const [, body = ""] = /^export class IpCounters \{\n(.*?)^\}/ms.exec(source) ?? [];
const NAMES = [...body.matchAll(/^ {2}(\w+): u64/gm)].map(([, name = ""]) => name);

const REQUEST = icmp(PEER, US, 128, 0, Buffer.alloc(100));

/** What `frames` add to the counters: those that changed. */
async function counted(...frames: readonly (Packet | Uint8Array)[]): Promise<Record<string, number>> {
  const host = await Host.settled();
  host.learn(PEER);
  const read = (): number[] => NAMES.map((_, index) => host.stack.call("ip6Counter", index));
  const before = read();
  host.input(...frames);
  return Object.fromEntries(
    read().flatMap((value, index) => {
      const added = value - (before[index] ?? 0);
      return added === 0 ? [] : [[NAMES[index] ?? "", added]];
    }),
  );
}

test("packets are counted by what becomes of them", async () => {
  assert.equal(NAMES.length, 12);
  assert.deepEqual(await counted(REQUEST), { inReceives: 1, inDelivers: 1, outRequests: 1 });
  assert.deepEqual(await counted(packetFrame(REQUEST).subarray(0, 60)), { inReceives: 1, inHdrErrors: 1 });
  const foreign = { ...REQUEST, destination: linkLocal(9), mac: macOf(1) };
  assert.deepEqual(await counted(foreign), { inReceives: 1, inAddrErrors: 1 });
  assert.deepEqual(await counted({ ...REQUEST, next: 200 }), { inReceives: 1, inUnknownProtos: 1, outRequests: 1 });
});

test("fragments are counted as they come and as they are made whole", async () => {
  const size = REQUEST.payload.length;
  const parts = fragments(REQUEST, [
    [0, 64],
    [64, size],
  ]);
  assert.deepEqual(await counted(...parts), {
    inReceives: 2,
    inDelivers: 1,
    outRequests: 1,
    reasmReqds: 2,
    reasmOKs: 1,
  });
});
