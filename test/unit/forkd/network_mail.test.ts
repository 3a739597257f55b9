// What members say of the network and what forkd makes of it: who accepts where, which addresses there are, who leads, and what becomes
// of the connections of one that has died.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { flowEntry, type ListedFlow } from "../../../tools/forkd/family/flow_pages.ts";
import { MESSAGE } from "../../../tools/forkd/family/mailbox.ts";
import { NetworkMail, type NetworkRules } from "../../../tools/forkd/family/network_mail.ts";
import { addressesOf } from "../../../tools/forkd/family/network_messages.ts";
import { ForeignPages } from "../../../tools/forkd/xen/foreign_memory.ts";
import { Scene } from "./mail_scene.ts";

const PAUSE_MS = 60;
const LOCAL = mapped(10, 0, 0, 5);

function mapped(...bytes: number[]): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes);
}

class NetworkScene extends Scene {
  /** What the rules were told. */
  readonly told: string[] = [];
  readonly heard: string[] = [];
  readonly pages = new Map<string, Uint8Array>();
  unmapped = 0;
  leader: number | undefined = 1;
  readonly #rules: NetworkRules = {
    acceptors: (_family, protocol, port, acceptors, flows) => {
      const shares = acceptors.map(({ pid, weight }) => `${pid}:${weight}`).join(" ");
      const kept = flows.map(({ pid, flow }) => `${flow.remotePort} is ${pid}'s`).join(" ");
      this.told.push(`${protocol} ${port} [${shares}] [${kept}]`);
    },
    addresses: (_family, addresses) =>
      void this.told.push(`addresses ${addresses.map((address) => Buffer.from(address).toString("hex")).join(" ")}`),
    covers: (_family, { local }) => Buffer.from(local).equals(LOCAL),
    leader: () => this.leader,
  };
  readonly network = new NetworkMail(
    this.mail,
    this.#rules,
    (member, page) => {
      const bytes = this.pages.get(`${member.pid} ${page}`);
      if (bytes === undefined) throw new Error("Xen: there is no such page");
      return new ForeignPages(bytes, () => void (this.unmapped += 1));
    },
    (line) => void this.log.push(line),
    {
      told: (member) => void this.heard.push(`${member.name} has told`),
      acceptorCame: (family) => void this.heard.push(`${family.name} has an acceptor`),
    },
  );

  /** The end of a member: nobody else has its connections. */
  left(pid: number): void {
    const member = this.member(pid);
    this.network.left(member, member.flows?.owned() ?? []);
  }

  say(pid: number, type: number, payload: Uint8Array): void {
    assert.ok(this.guest(pid).send(0, payload, type));
    this.event(pid);
  }

  listens(pid: number, port: number, weight: number, protocol = 6): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt16LE(port, 0);
    payload.writeUInt16LE(protocol, 2);
    payload.writeUInt32LE(weight, 4);
    this.say(pid, MESSAGE.listening, payload);
  }

  /** Lists connections to port 80 of 10.0.0.5 with these remote ports. */
  lists(pid: number, page: number, remotePorts: readonly number[], local = LOCAL): void {
    const bytes = new Uint8Array(4096);
    remotePorts.forEach((remotePort, i) => {
      const flow: ListedFlow = { protocol: 6, remote: mapped(10, 0, 0, 9), remotePort, local, localPort: 80 };
      bytes.set(flowEntry(flow), (i + 1) * 40);
    });
    this.pages.set(`${pid} ${page}`, bytes);
    const payload = Buffer.alloc(4);
    payload.writeUInt32LE(page);
    this.say(pid, MESSAGE.flowPage, payload);
  }

  /** The types of the messages that a guest has got, and their payloads. */
  got(pid: number): [type: number, payload: Buffer][] {
    const messages: [number, Buffer][] = [];
    for (let next = this.guest(pid).receive(); next !== undefined; next = this.guest(pid).receive()) {
      messages.push([next.type, Buffer.from(next.payload)]);
    }
    return messages;
  }
}

function addressesMessage(ipv4: number, ipv6: readonly Uint8Array[]): Buffer {
  const payload = Buffer.alloc(56 + ipv6.length * 32);
  payload.writeUInt32LE(ipv4 >>> 0, 0);
  payload.writeUInt32LE(ipv6.length, 52);
  ipv6.forEach((address, i) => payload.set(address, 56 + i * 32));
  return payload;
}

test("who accepts on a port shares it, until it says otherwise or ends; changes that come together are one", async () => {
  const scene = new NetworkScene(3);
  scene.listens(2, 80, 1);
  scene.listens(3, 80, 1);
  scene.listens(3, 443, 7);
  await sleep(PAUSE_MS);
  assert.deepEqual(scene.told, ["6 80 [2:1 3:1] []", "6 443 [3:7] []"]);
  scene.listens(2, 80, 0);
  await sleep(PAUSE_MS);
  scene.left(3);
  await sleep(PAUSE_MS);
  assert.deepEqual(scene.told.slice(2), ["6 80 [3:1] []", "6 80 [] []", "6 443 [] []"]);
  const heard = [MESSAGE.listening, Buffer.from([80, 0, 6, 0, 0, 0, 0, 0])];
  assert.deepEqual([scene.got(2), scene.got(3)], [[heard], []], "who leaves hears when nobody is sent there any more");
  assert.deepEqual(scene.heard, Array(3).fill("test has an acceptor"));
});

test("what waits to be accepted is for who accepts on its port, and else for who leads, to whom new connections go", async () => {
  const scene = new NetworkScene(3);
  const flow: ListedFlow = {
    protocol: 6,
    remote: mapped(10, 0, 0, 9),
    remotePort: 1000,
    local: LOCAL,
    localPort: 80,
  };
  const acceptor = (...except: readonly number[]): number | undefined =>
    scene.network.acceptor(scene.member(1).family, flow, new Set(except.map((pid) => scene.member(pid))))?.pid;
  assert.equal(acceptor(), 1);
  scene.listens(3, 80, 1);
  scene.listens(2, 81, 1);
  assert.deepEqual([acceptor(), acceptor(2), acceptor(3), acceptor(1, 3)], [3, 3, 1, undefined]);
  scene.leader = undefined;
  assert.equal(acceptor(3), undefined);
  await sleep(PAUSE_MS);
});

test("nonsense about ports changes nothing, and nobody can share any number of them", async () => {
  const scene = new NetworkScene(2);
  scene.listens(2, 0, 1);
  scene.listens(2, 80, 1, 1);
  scene.say(2, MESSAGE.listening, new Uint8Array(7));
  scene.say(2, MESSAGE.listening, new Uint8Array(0));
  await sleep(PAUSE_MS);
  assert.deepEqual(scene.told, []);
  for (let port = 1; port <= 100; port++) scene.listens(2, port, 0xffff_ffff);
  await sleep(PAUSE_MS);
  assert.equal(scene.told.length, 64);
  assert.equal(scene.told[0], "6 1 [2:100] []");
  assert.equal(scene.log.length, 1);
});

test("present connections to a port stay where they are when it is shared anew; what is not the family's does not count", async () => {
  const scene = new NetworkScene(3);
  scene.lists(1, 0x500, [1000, 1001]);
  scene.lists(2, 0x500, [2000]);
  scene.lists(2, 0x501, [2001], mapped(10, 0, 0, 66));
  scene.lists(2, 0x500, []);
  scene.listens(2, 80, 1);
  scene.listens(3, 81, 1);
  await sleep(PAUSE_MS);
  assert.deepEqual(scene.told, ["6 80 [2:1] [1000 is 1's 1001 is 1's 2000 is 2's]", "6 81 [3:1] []"]);
  const payload = Buffer.from([9, 0, 0, 0]);
  scene.say(3, MESSAGE.flowPage, payload);
  assert.match(scene.log.join(), /test-3 lists connections at page 9: .*no such page/);
});

test("the peers of a dead member's connections are reset by the leader", () => {
  const scene = new NetworkScene(3);
  const ports = Array.from({ length: 101 }, (_, i) => 1000 + i);
  scene.lists(2, 0x500, ports);
  scene.lists(2, 0x501, ports);
  scene.lists(2, 0x502, [5000], mapped(10, 0, 0, 66));
  scene.member(2).ending = true;
  scene.left(2);
  const got = scene.got(1);
  assert.deepEqual(
    got.map(([type, { length }]) => [type, length / 40]),
    [
      [MESSAGE.reset, 102],
      [MESSAGE.reset, 100],
    ],
  );
  assert.equal(got[0]?.[1].readUInt16LE(32), 1000);
  assert.deepEqual(scene.got(3), []);
  scene.member(2).flows?.close();
  assert.equal(scene.unmapped, 3);
  scene.member(1).ending = true;
  scene.left(1);
  assert.deepEqual(scene.got(3), [], "nobody is there to do it");
});

test("what provokes a peer may be lost: it is done again, but not to a connection that somebody has by then", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const scene = new NetworkScene(3);
  scene.lists(2, 0x500, [1000, 1001]);
  scene.member(2).ending = true;
  scene.left(2);
  const ports = (): number[][] =>
    scene
      .got(1)
      .filter(([type]) => type === MESSAGE.reset)
      .map(([, payload]) => Array.from({ length: payload.length / 40 }, (_, i) => payload.readUInt16LE(40 * i + 32)));
  assert.deepEqual(ports(), [[1000, 1001]]);
  context.mock.timers.tick(1000);
  assert.deepEqual(ports(), [[1000, 1001]]);
  scene.lists(3, 0x500, [1001]);
  context.mock.timers.tick(3000);
  assert.deepEqual(ports(), [[1000]]);
  context.mock.timers.tick(60_000);
  assert.deepEqual(ports(), []);
});

test("the leader's addresses reach the rules and all others, those of others do not", () => {
  const scene = new NetworkScene(3);
  const ipv6 = Uint8Array.from({ length: 16 }, (_, i) => 0xf0 + i);
  const payload = addressesMessage(0x0a000005, [ipv6]);
  scene.say(2, MESSAGE.addresses, payload);
  scene.say(1, MESSAGE.addresses, payload.subarray(0, 87));
  scene.say(1, MESSAGE.addresses, Buffer.alloc(400, 0xff));
  assert.deepEqual([scene.told, scene.got(2), scene.got(3)], [[], [], []]);
  scene.say(1, MESSAGE.addresses, payload);
  assert.deepEqual(scene.told, [
    `addresses ${Buffer.from(LOCAL).toString("hex")} ${Buffer.from(ipv6).toString("hex")}`,
  ]);
  assert.deepEqual(
    [scene.got(1), scene.got(2), scene.got(3)],
    [[], [[MESSAGE.addresses, payload]], [[MESSAGE.addresses, payload]]],
  );
  assert.deepEqual(addressesOf(addressesMessage(0, [])), []);
});

test("who joins hears the addresses or that it leads, and is asked for what an earlier forkd knew", () => {
  const scene = new NetworkScene(3);
  const payload = addressesMessage(0x0a000005, []);
  scene.say(1, MESSAGE.addresses, payload);
  scene.got(2);
  scene.network.joined(scene.member(2));
  scene.network.joined(scene.member(1));
  const nothing = Buffer.alloc(0);
  assert.deepEqual(scene.got(2), [[MESSAGE.addresses, payload], [MESSAGE.listening, nothing]]); // prettier-ignore
  assert.deepEqual(scene.got(1), [[MESSAGE.lead, nothing], [MESSAGE.listening, nothing]]); // prettier-ignore
});

test("after a restart of forkd nothing changes before all have said what they do", async () => {
  const scene = new NetworkScene(3);
  for (const pid of [1, 2, 3]) scene.network.found(scene.member(pid));
  scene.listens(2, 80, 1);
  scene.listens(2, 0, 0);
  scene.listens(1, 0, 0);
  await sleep(PAUSE_MS);
  assert.deepEqual(scene.told, []);
  scene.lists(3, 0x500, [3000]);
  scene.listens(3, 80, 1);
  scene.listens(3, 0, 0);
  await sleep(PAUSE_MS);
  assert.deepEqual(scene.told, ["6 80 [2:1 3:1] [3000 is 3's]"]);
});

test("members cannot make each other leaders, or reset others' connections", () => {
  const scene = new NetworkScene(3);
  for (const type of [MESSAGE.lead, MESSAGE.reset, MESSAGE.listening, MESSAGE.addresses, MESSAGE.flowPage]) {
    assert.ok(scene.guest(2).send(3, new Uint8Array(40), type));
  }
  scene.event(2);
  assert.deepEqual(scene.got(3), []);
});
