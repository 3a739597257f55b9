// Mirrors of the kernel's maps, and what is built on them: shared ports and blocks of ports.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeElements, Transaction, type Element } from "../../../../tools/forkd/netlink/nftables.ts";
import { u32 } from "../../../../tools/forkd/netlink/message.ts";
import { addressBytes } from "../../../../tools/forkd/steering/address_text.ts";
import { TCP, UDP } from "../../../../tools/forkd/steering/flow.ts";
import { KernelMap } from "../../../../tools/forkd/steering/kernel_map.ts";
import { blockFor, blockKey } from "../../../../tools/forkd/steering/port_blocks.ts";
import { SharedPorts } from "../../../../tools/forkd/steering/shared_ports.ts";
import { assignSlots, SLOTS } from "../../../../tools/forkd/steering/slots.ts";

const NFT_MSG_NEWSETELEM = 12;

function emptyMap(): KernelMap {
  return new KernelMap({ elements: () => [] }, "table", "map");
}

/** What a transaction does: "+key=data" and "-key". */
function changes({ messages }: Transaction): string[] {
  return messages.flatMap(({ type, body }) =>
    decodeElements(Buffer.from(body)).map(({ key, data }) =>
      (type & 0xff) === NFT_MSG_NEWSETELEM ? `+${hex(key)}=${hex(data ?? Buffer.alloc(0))}` : `-${hex(key)}`,
    ),
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

test("an element is removed before it gets another number, and what is the same is left", () => {
  const map = emptyMap();
  const change = new Transaction("table");
  map.set(change, u32(1), 2);
  map.set(change, u32(1), 2);
  map.set(change, u32(1), 3);
  map.set(change, u32(1), undefined);
  map.set(change, u32(1), undefined);
  assert.deepEqual(changes(change), ["+01000000=02000000", "-01000000", "+01000000=03000000", "-01000000"]);
  assert.equal(map.get(u32(1)), undefined);
});

test("a mirror begins with what the kernel has", () => {
  const elements: Element[] = [{ key: u32(1), data: u32(7) }, { key: u32(2), data: u32(8) }, { key: u32(3), data: u32(7) }]; // prettier-ignore
  const map = new KernelMap({ elements: () => elements }, "table", "map");
  map.read();
  const change = new Transaction("table");
  map.removeAll(change, 7);
  assert.deepEqual(changes(change), ["-01000000", "-03000000"]);
  assert.deepEqual(map.entries(), [[u32(2), 8]]);
});

test("a member's block of ports is its own until it goes", () => {
  const map = emptyMap();
  const change = new Transaction("table");
  const taken = new Set<number>();
  for (let pid = 2; pid < 130; pid++) {
    const block = blockFor(pid, map);
    assert.ok(block !== undefined && block.first >= 32_768 && block.first + block.count <= 49_152);
    assert.ok(!taken.has(block.first));
    taken.add(block.first);
    map.set(change, blockKey(block), pid);
    assert.deepEqual(blockFor(pid, map), block);
  }
  assert.equal(blockFor(130, map), undefined);
  map.removeAll(change, 7);
  assert.deepEqual(blockFor(130, map), { first: 32_768 + 5 * 128, count: 128 });
});

test("a port's slots go to the others when a member goes, and to nobody with the last", () => {
  const [tcp, udp] = [emptyMap(), emptyMap()];
  const ports = new SharedPorts(tcp, udp);
  const slots = assignSlots([2, 3, 4].map((pid) => ({ pid, weight: 1 })));
  ports.set(new Transaction("table"), TCP, 80, slots);
  ports.set(new Transaction("table"), UDP, 53, slots);
  const before = new Map(tcp.entries().map(([key, pid]) => [hex(key), pid]));
  assert.equal(before.size, SLOTS);
  const bytes = (text: string): Buffer => addressBytes(text) ?? Buffer.alloc(16);
  const flow = {
    protocol: TCP,
    remote: bytes("10.0.2.15"),
    remotePort: 99,
    local: bytes("10.0.2.20"),
    localPort: 80,
  } as const;
  assert.ok([2, 3, 4].includes(ports.memberOf(flow) ?? 0));
  assert.equal(ports.memberOf({ ...flow, localPort: 81 }), undefined);
  ports.remove(new Transaction("table"), 3);
  assert.equal(tcp.entries().length, SLOTS);
  for (const [key, pid] of tcp.entries()) {
    const owner = before.get(hex(key));
    assert.ok(owner === 3 ? pid === 2 || pid === 4 : pid === owner);
  }
  for (const pid of [2, 4]) ports.remove(new Transaction("table"), pid);
  assert.deepEqual([tcp.entries(), udp.entries()], [[], []]);
});
