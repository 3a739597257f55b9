// What the network counts, and that apps read it under Linux's names.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { arpFrame, ethernet, icmp, ipv4Frame, PEER_IP, udpFrame } from "./frames.ts";
import { SECOND, Stack } from "./stack.ts";

const SOURCE = "libos/net/counters.ts";
const TCP_SOURCE = "libos/net/tcp/counters.ts";
const API = "libos/api/netstat.ts";
const GROUPS = {
  eth0: "InterfaceCounters",
  lo: "InterfaceCounters",
  ip: "IpCounters",
  icmp: "IcmpCounters",
  udp: "UdpCounters",
  arp: "ArpCounters",
} as const;
type Group = keyof typeof GROUPS;

/** The counters of each class of a source file, in order. */
async function classesOf(path: string): Promise<Map<string, string[]>> {
  const text = await readFile(new URL(`../../../${path}`, import.meta.url), "utf8");
  const classes = [...text.matchAll(/^export class (\w+) \{\n(.*?)^\}/gms)];
  return new Map(
    classes.map(([, name = "", body = ""]) => [
      name,
      [...body.matchAll(/^ {2}(\w+): u64/gm)].map(([, field = ""]) => field),
    ]),
  );
}

const CLASSES = new Map([...(await classesOf(SOURCE)), ...(await classesOf(TCP_SOURCE))]);

/** What `action` adds to counters: those that changed, as "group.counter". */
function changes(stack: Stack, action: () => void): Record<string, number> {
  const read = (): [string, number][] =>
    Object.entries(GROUPS).flatMap(([group, name], at) =>
      (CLASSES.get(name) ?? []).map((field, i): [string, number] => [
        `${group}.${field}`,
        Number(stack.call.counter(at, i)),
      ]),
    );
  const before = new Map(read());
  action();
  return Object.fromEntries(
    read().flatMap(([name, value]) => {
      const added = value - (before.get(name) ?? 0);
      return added === 0 ? [] : [[name, added]];
    }),
  );
}

function only(group: Group, all: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith(`${group}.`)));
}

const UDP = { sourcePort: 1000, destinationPort: 5000 };

test("apps see the counters that the kernel keeps, in its order", async () => {
  const api = await classesOf(API);
  assert.deepEqual([...api.keys()], [...CLASSES.keys()]);
  for (const [name, fields] of CLASSES) {
    assert.ok(fields.length > 0);
    const plain = (api.get(name) ?? []).map((field) => field.replaceAll("_", "").toLowerCase());
    assert.deepEqual(
      plain,
      fields.map((field) => field.toLowerCase()),
      name,
    );
  }
});

test("a datagram counts on its way through the interface, IP and UDP", async () => {
  const stack = await Stack.create();
  stack.socket(5000);
  const frame = udpFrame(UDP, Buffer.from("hello"));
  assert.deepEqual(
    changes(stack, () => stack.input(frame)),
    {
      "eth0.rxBytes": frame.length,
      "eth0.rxPackets": 1,
      "ip.inReceives": 1,
      "ip.inDelivers": 1,
      "udp.inDatagrams": 1,
    },
  );
});

test("a datagram to nobody is answered, and both count", async () => {
  const stack = await Stack.create();
  const found = changes(stack, () => stack.input(udpFrame(UDP, Buffer.from("hello"))));
  assert.deepEqual(only("udp", found), { "udp.noPorts": 1 });
  assert.deepEqual(only("icmp", found), { "icmp.outMsgs": 1, "icmp.outDestUnreachs": 1 });
  assert.equal(found["ip.outRequests"], 1);
  assert.equal(found["eth0.txPackets"], 1);
  assert.equal(found["eth0.txBytes"], stack.sent.at(-1)?.frame.length);
});

test("what is wrong counts where it is found", async () => {
  const stack = await Stack.create();
  stack.socket(5000);
  const broken = udpFrame(UDP, Buffer.from("hello"));
  broken[40] = (broken[40] ?? 0) ^ 1; // the checksum of UDP
  assert.deepEqual(
    only(
      "udp",
      changes(stack, () => stack.input(broken)),
    ),
    { "udp.inErrors": 1, "udp.inCsumErrors": 1 },
  );
  const header = udpFrame(UDP, Buffer.from("hello"));
  header[24] = (header[24] ?? 0) ^ 1; // the checksum of IP
  assert.deepEqual(
    only(
      "ip",
      changes(stack, () => stack.input(header)),
    ),
    { "ip.inReceives": 1, "ip.inHdrErrors": 1 },
  );
  const strange = ethernet(0x1234, Buffer.alloc(50));
  assert.deepEqual(
    only(
      "eth0",
      changes(stack, () => stack.input(strange)),
    ),
    {
      "eth0.rxBytes": strange.length,
      "eth0.rxPackets": 1,
      "eth0.rxDropped": 1,
    },
  );
  const other = ethernet(0x0800, Buffer.alloc(50), "00:16:3e:77:77:77");
  assert.equal(changes(stack, () => stack.input(other))["eth0.rxDropped"], 1);
});

test("a full queue counts as in Linux", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.call.udpSetReceiveLimit(socket, 1); // the least there is
  const found = changes(stack, () => {
    for (let i = 0; i < 100; i++) stack.input(udpFrame(UDP, Buffer.alloc(1000)));
  });
  const drops = stack.call.socketDrops(socket);
  assert.ok(drops > 0 && drops < 100);
  assert.deepEqual(only("udp", found), {
    "udp.inDatagrams": 100 - drops,
    "udp.inErrors": drops,
    "udp.rcvbufErrors": drops,
  });
});

test("echoes and ARP", async () => {
  const stack = await Stack.create();
  const ping = ipv4Frame({ source: PEER_IP, protocol: 1 }, icmp(8, 0, 1, Buffer.alloc(8)));
  assert.deepEqual(
    only(
      "icmp",
      changes(stack, () => stack.input(ping)),
    ),
    {
      "icmp.inMsgs": 1,
      "icmp.inEchos": 1,
      "icmp.outMsgs": 1,
      "icmp.outEchoReps": 1,
    },
  );
  const found = changes(stack, () => stack.input(arpFrame({ operation: 1 })));
  assert.deepEqual(only("arp", found), { "arp.inRequests": 1, "arp.outReplies": 1 });
  assert.equal(found["eth0.multicast"], 1);
});

test("packets to ourselves count on lo only", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  const found = changes(stack, () => {
    stack.call.sendTo(socket, 0x190000, 10, 0x7f000001, 5000, stack.now);
    stack.advance(SECOND);
  });
  assert.deepEqual(only("lo", found), { "lo.rxBytes": 38, "lo.rxPackets": 1, "lo.txBytes": 38, "lo.txPackets": 1 });
  assert.deepEqual(only("eth0", found), {});
  assert.deepEqual(only("udp", found), { "udp.inDatagrams": 1, "udp.outDatagrams": 1 });
});
