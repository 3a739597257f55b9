// Keys, hashes and slots of flows: what forkd computes must be what the kernel does (test/lab/one_address.test.ts compares them).
import assert from "node:assert/strict";
import { test } from "node:test";
import { addressBytes } from "../../../../tools/forkd/steering/address_text.ts";
import { flowKey, jenkinsHash, ownersOf, TCP, UDP, type Flow } from "../../../../tools/forkd/steering/flow.ts";
import { assignSlots, slotOf, SLOTS } from "../../../../tools/forkd/steering/slots.ts";

function flow(remote: string, remotePort: number, local: string, localPort: number): Flow {
  const bytes = (text: string): Buffer => addressBytes(text) ?? Buffer.alloc(16);
  return { protocol: TCP, remote: bytes(remote), remotePort, local: bytes(local), localPort };
}

function shares(slots: readonly number[]): Map<number, number> {
  const found = new Map<number, number>();
  for (const pid of slots) found.set(pid, (found.get(pid) ?? 0) + 1);
  return found;
}

test("addresses as text", () => {
  const hex = (text: string): string | undefined => addressBytes(text)?.toString("hex");
  assert.equal(hex("10.0.2.15"), "00000000000000000000ffff0a00020f");
  assert.equal(hex("fd00::20"), "fd000000000000000000000000000020");
  assert.equal(hex("::"), "00".repeat(16));
  assert.equal(hex("1:2:3:4:5:6:7:8"), "00010002000300040005000600070008");
  for (const text of ["", "10.0.2", "fe80::1%eth0", "auto", "::ffff:1.2.3.4"]) assert.equal(hex(text), undefined, text);
});

test("a flow's key is what a frame has in its headers", () => {
  const ipv4 = flow("10.0.2.15", 0x1234, "10.0.2.20", 80);
  assert.equal(flowKey(ipv4).toString("hex"), "0a00020f" + "0a000214" + "12340000" + "00500000");
  assert.equal(ownersOf(ipv4), "tcp4");
  const ipv6 = { ...flow("fd00::1", 0x1234, "fd00::2", 80), protocol: UDP } as const;
  assert.equal(flowKey(ipv6).length, 40);
  assert.equal(ownersOf(ipv6), "udp6");
});

// The values that its author gives.
test("Jenkins' hash", () => {
  const text = Buffer.from("Four score and seven years ago");
  assert.equal(jenkinsHash(text, 0), 0x17770551);
  assert.equal(jenkinsHash(text, 1), 0xcd628161);
});

test("flows spread evenly over the slots", () => {
  const slots = Array.from({ length: 25_600 }, (_, i) => slotOf(flow("10.0.2.15", 1024 + i, "10.0.2.20", 80)));
  const counts = [...shares(slots).values()];
  assert.equal(counts.length, SLOTS);
  assert.ok(Math.min(...counts) > 50 && Math.max(...counts) < 160, `${Math.min(...counts)} … ${Math.max(...counts)}`);
});

test("slots are shared by weight; nobody takes none", () => {
  assert.deepEqual(assignSlots([]), []);
  assert.deepEqual(assignSlots([{ pid: 2, weight: 0 }]), []);
  const found = shares(assignSlots([{ pid: 2, weight: 1 }, { pid: 3, weight: 3 }, { pid: 4, weight: 0 }])); // prettier-ignore
  assert.deepEqual([...found.keys()].sort(), [2, 3]);
  const [two = 0, three = 0] = [found.get(2), found.get(3)];
  assert.ok(two > 40 && two < 90 && two + three === SLOTS, `${two} and ${three}`);
});

test("who comes takes slots from all, who goes leaves the others theirs", () => {
  const acceptors = [2, 3, 4].map((pid) => ({ pid, weight: 1 }));
  const before = assignSlots(acceptors);
  const after = assignSlots([...acceptors, { pid: 5, weight: 1 }]);
  assert.ok(after.every((pid, slot) => pid === before[slot] || pid === 5));
  assert.ok((shares(after).get(5) ?? 0) > 40);
});
