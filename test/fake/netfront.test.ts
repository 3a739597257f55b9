// Netfront's life: back ends that come, go, restart and lie; suspend and restore.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Host, type Guest } from "../../tools/fake-xen/host.ts";
import type { Netback } from "../../tools/fake-xen/netback.ts";
import { fakeKernel } from "../support/fake.ts";
import { GUEST_IP, GUEST_MAC, Peer } from "./peer.ts";

const NETWORK = { mac: GUEST_MAC };

const kernel = await fakeKernel();

function boot(): { host: Host; guest: Guest; peer: Peer; netback: Netback } {
  const host = new Host(kernel, 7);
  const peer = new Peer(host.world, host.hub);
  const guest = host.create({ commandLine: `ip=${GUEST_IP}/24`, network: NETWORK });
  peer.awaitReply();
  return { host, guest, peer, netback: guest.netback! };
}

test("survives a back end that restarts", () => {
  const { host, peer, netback } = boot();
  for (let round = 0; round < 3; round++) {
    netback.kill();
    host.world.pass(100e6);
    netback.start();
    peer.awaitReply();
  }
  assert.equal(netback.connections, 4);
});

test("survives a back end that comes back before its end was noticed", () => {
  const { peer, netback } = boot();
  netback.kill();
  netback.start();
  peer.awaitReply();
});

test("lets a detached device go and takes it when it is attached again", () => {
  const { host, guest, peer, netback } = boot();
  netback.unplug();
  guest.awaitConsole("disconnected");
  host.world.runUntil(() => host.store.get(`${netback.front}/backend`) === undefined);
  guest.plug(NETWORK);
  peer.awaitReply();
});

test("is restored with a new store, console, grants and back end", () => {
  const { guest, peer } = boot();
  for (let round = 1; round <= 3; round++) {
    guest.saveAndRestore(NETWORK);
    peer.awaitReply();
    assert.equal(guest.console.split("restored").length - 1, round);
  }
});

test("goes on after a suspend that was cancelled, with the same back end", () => {
  const { guest, peer, netback } = boot();
  guest.checkpoint();
  peer.awaitReply();
  assert.equal(netback.connections, 1);
  assert.match(guest.console, /suspend cancelled/);
});

test("is restored without its device, then gets one", () => {
  const { guest, peer } = boot();
  guest.saveAndRestore();
  guest.awaitConsole("restored");
  guest.plug(NETWORK);
  peer.awaitReply();
});

test("powers off when asked to", () => {
  const { guest } = boot();
  guest.ask("poweroff");
  assert.equal(guest.domain.shutdown, "poweroff");
});

// ---- a back end that lies gets closed, and is tried again after a while ----

interface Lie {
  readonly name: string;
  readonly tell: (netback: Netback, peer: Peer) => void;
}

const LIES: readonly Lie[] = [
  { name: "claims more receive responses than there were requests", tell: (netback) => netback.claimResponses(300) },
  { name: "claims a billion receive responses", tell: (netback) => netback.claimResponses(1e9) },
  {
    name: "answers with a wrong id",
    tell: (netback) => (netback.mischief.receive = (response) => void (response.id += 1)),
  },
  {
    name: "answers with an id beyond all buffers",
    tell: (netback) => (netback.mischief.receive = (response) => void (response.id = 0xffff)),
  },
  {
    name: "answers with an offset beyond the page",
    tell: (netback) => (netback.mischief.receive = (response) => void (response.offset = 4000)),
  },
  {
    name: "answers with a size beyond the page",
    tell: (netback) => (netback.mischief.receive = (response) => void (response.status = 0x7fff)),
  },
  {
    name: "announces extra info without end",
    tell: (netback) => netback.sendEndlessExtraInfo(),
  },
];

for (const { name, tell } of LIES) {
  test(`closes a back end that ${name}`, () => {
    const { host, guest, peer, netback } = boot();
    tell(netback, peer);
    peer.ping(1);
    guest.awaitConsole("broke the ring protocol");
    netback.mischief = {};
    peer.awaitReply(30e9);
    assert.equal(netback.connections, 2);
    assert.equal(guest.domain.shutdown, undefined);
    host.world.pass(1e9);
  });
}

test("closes a back end that claims transmissions that were never made, when it needs a buffer", () => {
  const { host, guest, peer, netback } = boot();
  netback.claimTransmitted(0x4000_0000);
  for (let i = 0; i < 400 && !guest.console.includes("broke the ring protocol"); i++) {
    peer.ping(i);
    host.world.pass(1e6);
  }
  guest.awaitConsole("broke the ring protocol");
  peer.awaitReply(30e9);
});

test("closes a back end that answers transmissions twice", () => {
  const { host, guest, peer, netback } = boot();
  netback.mischief.transmit = (response) => void (response.id = 5);
  for (let i = 0; i < 400 && !guest.console.includes("broke the ring protocol"); i++) {
    peer.ping(i);
    host.world.pass(1e6);
  }
  guest.awaitConsole("broke the ring protocol");
  netback.mischief = {};
  peer.awaitReply(30e9);
});

test("drops frames that the back end marks as failed, and frames of no length", () => {
  const { host, guest, peer, netback } = boot();
  for (const status of [-1, -2, -32768, 0]) {
    netback.mischief.receive = (response) => void (response.status = status);
    for (let i = 0; i < 300; i++) peer.ping(i);
    host.world.pass(100e6);
  }
  netback.mischief = {};
  peer.awaitReply();
  assert.doesNotMatch(guest.console, /broke/);
});

test("waits longer and longer for a back end that goes on lying", () => {
  const { host, guest, netback, peer } = boot();
  netback.mischief.receive = (response) => void (response.id ^= 1);
  const times: number[] = [];
  let resets = 0;
  const end = host.world.now + 40e9;
  const chatter = (): void => {
    peer.ping(1);
    if (host.world.now < end) host.world.after(50_000_000, chatter);
  };
  chatter();
  host.world.runUntil(() => {
    const seen = guest.console.split("broke the ring protocol").length - 1;
    if (seen > resets) {
      resets = seen;
      times.push(host.world.now);
    }
    return host.world.now >= end;
  });
  assert.ok(resets >= 4 && resets <= 7, `${resets} resets`);
  const gaps = times.slice(1).map((time, i) => time - times[i]!);
  for (let i = 1; i < gaps.length; i++) assert.ok(gaps[i]! > gaps[i - 1]! * 1.5, `gaps ${gaps.join(" ")}`);
});
