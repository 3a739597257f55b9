// A malicious back end: lies of every kind, one after the other, at random but by seed. The guest neither crashes nor hangs, and
// serves an honest back end again, to which it does not break the protocol (the fake throws when it does).
// KARYON_FUZZ_RUNS=1000 npm test -- fake/backend_fuzz runs longer; KARYON_FUZZ_SEED=<n> begins elsewhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import { Host } from "../../tools/fake-xen/host.ts";
import type { Netback } from "../../tools/fake-xen/netback.ts";
import { fakeKernel } from "../support/fake.ts";
import { Random } from "../support/random.ts";
import { Calls } from "./calls.ts";
import { GUEST_IP, GUEST_MAC, Peer } from "./peer.ts";

const kernel = await fakeKernel();

const RUNS = Number(process.env["KARYON_FUZZ_RUNS"] ?? 12);
const FIRST_SEED = Number(process.env["KARYON_FUZZ_SEED"] ?? 1);
/** Lies of one run. */
const LIES = 40;
const ECHO_PORT = 7;

type Lie = (netback: Netback, random: Random) => void;

/** A whole number from 0 to `count` - 1. */
function below(random: Random, count: number): number {
  return random.between(0, count - 1);
}

/** A number of `bits` bits: likely small, or at an edge. */
function odd(random: Random, bits: number): number {
  const edges = [0, 1, 2, 2 ** (bits - 1) - 1, 2 ** (bits - 1), 2 ** bits - 1, 4095, 4096, 256, 18, 19];
  const most = 2 ** bits - 1;
  return Math.min(most, below(random, 2) === 0 ? (edges[below(random, edges.length)] ?? 0) : below(random, most));
}

function signed(value: number): number {
  return value >= 0x8000 ? value - 0x10000 : value;
}

const LIE: Readonly<Record<string, Lie>> = {
  receiveFields: (netback, random) => {
    const field = (["id", "offset", "flags", "status"] as const)[below(random, 4)] ?? "id";
    let left = 1 + below(random, 5);
    netback.mischief.receive = (response) => {
      if (left-- <= 0) return;
      response[field] = field === "status" ? signed(odd(random, 16)) : odd(random, 16);
    };
  },
  transmitFields: (netback, random) => {
    const field = below(random, 2) === 0 ? "id" : "status";
    let left = 1 + below(random, 5);
    netback.mischief.transmit = (response) => {
      if (left-- <= 0) return;
      response[field] = field === "status" ? signed(odd(random, 16)) : odd(random, 16);
    };
  },
  doubleCompletion: (netback, random) => netback.answerTwice(1 + below(random, 3)),
  receiveIndex: (netback, random) => netback.claimResponses(odd(random, 32)),
  transmitIndex: (netback, random) => netback.claimTransmitted(odd(random, 32)),
  endlessExtras: (netback) => netback.sendEndlessExtraInfo(),
  scribble: (netback, random) => netback.scribble(() => random.u32()),
  noAnswers: (netback) => void netback.holdTransmitted(),
  answersAtLast: (netback) => netback.answerTransmitted(),
  state: (netback, random) =>
    netback.claim(
      "state",
      ["0", "1", "2", "3", "4", "5", "6", "7", "8", "-1", "x", "99999999999"][below(random, 12)] ?? "",
    ),
  feature: (netback, random) => {
    const nodes = [
      "feature-sg",
      "feature-gso-tcpv4",
      "feature-split-event-channels",
      "feature-rx-copy",
      "feature-no-csum-offload",
    ];
    netback.claim(
      nodes[below(random, nodes.length)] ?? "",
      ["0", "1", "2", "-1", "", "yes", "4294967297"][below(random, 7)] ?? "",
    );
  },
  restart: (netback) => {
    netback.kill();
    netback.start();
  },
  events: (netback, random) => netback.raiseEvents(1 + below(random, 4)),
};

/** Tells a lie, if the back end is connected, without which most cannot be told. */
function tell(netback: Netback, random: Random): string {
  const names = Object.keys(LIE);
  const name = names[below(random, names.length)] ?? "";
  if (netback.connected || ["state", "feature", "restart"].includes(name)) LIE[name]?.(netback, random);
  return name;
}

for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
  test(`a back end that lies in ${LIES} ways, seed ${seed}`, () => {
    const random = new Random(seed);
    const host = new Host(kernel, seed);
    const peer = new Peer(host.world, host.hub);
    const network = { mac: GUEST_MAC, split: seed % 2 === 0 };
    const app = (domain: Domain) => new Calls(domain).udpEcho(ECHO_PORT);
    const guest = host.create({ commandLine: `ip=${GUEST_IP}/24`, network, app, memory: seed % 3 === 0 ? 4 : 16 });
    peer.awaitReply();
    const netback = guest.netback!;
    netback.malicious = true;
    const told: string[] = [];
    try {
      for (let i = 0; i < LIES; i++) {
        told.push(tell(netback, random));
        for (let frame = below(random, 60); frame > 0; frame--) {
          if (below(random, 2) === 0) peer.ping(frame, below(random, 1400));
          else peer.sendUdp(ECHO_PORT, Buffer.alloc(below(random, 1400), frame));
        }
        host.world.pass(below(random, 4) === 0 ? 3e9 : 20e6);
        assert.equal(guest.domain.shutdown, undefined);
      }
      // Honest from now on.
      netback.mischief = {};
      netback.malicious = false;
      netback.kill();
      host.world.pass(100e6);
      netback.start();
      peer.awaitReply(300e9);
      peer.announce();
      const before = peer.datagrams.length;
      peer.sendUdp(ECHO_PORT, Buffer.from("are you there?"));
      host.world.runUntil(() => peer.datagrams.length > before);
      assert.equal(peer.datagrams.at(-1)?.toString(), "are you there?");
      assert.equal(guest.domain.shutdown, undefined);
    } catch (error) {
      console.error(`${guest.console}\nseed ${seed}: ${told.join(" ")}`);
      throw error;
    }
  });
}
