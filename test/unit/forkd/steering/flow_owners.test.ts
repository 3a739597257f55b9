// Flows whose owners have been named, and how those are forgotten whose connections have ended.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Family } from "../../../../tools/forkd/family/family.ts";
import { HOLD } from "../../../../tools/forkd/family/flow_pages.ts";
import { FlowSweep, type NamedFlow } from "../../../../tools/forkd/family/flow_sweep.ts";
import { Transaction } from "../../../../tools/forkd/netlink/nftables.ts";
import { TCP, UDP, type Flow } from "../../../../tools/forkd/steering/flow.ts";
import { FlowOwners, idOf } from "../../../../tools/forkd/steering/flow_owners.ts";
import { assignSlots, memberOfSlot } from "../../../../tools/forkd/steering/slots.ts";
import { flow, HandoverScene } from "../handover_scene.ts";

function owners(): FlowOwners {
  return new FlowOwners({ elements: () => [] }, "table");
}

function ofIpv6(): Flow {
  return { protocol: TCP, remote: new Uint8Array(16).fill(1), remotePort: 5, local: new Uint8Array(16).fill(2), localPort: 80 }; // prettier-ignore
}

test("a flow has one owner; connections are found again by what identifies them", () => {
  const named = owners();
  const change = new Transaction("table");
  const datagrams: Flow = { ...flow(1), protocol: UDP };
  named.set(change, [
    { flow: flow(1), pid: 2 },
    { flow: ofIpv6(), pid: 3 },
    { flow: datagrams, pid: 4 },
  ]);
  named.set(change, [{ flow: flow(1), pid: 5 }]);
  assert.deepEqual([flow(1), ofIpv6(), datagrams, flow(2)].map((one) => named.get(one)), [5, 3, 4, undefined]); // prettier-ignore
  const connections = named.connections();
  assert.deepEqual(
    connections.map(({ id, pid }) => [id, pid]),
    [
      [idOf(flow(1)), 5],
      [idOf(ofIpv6()), 3],
    ],
  );
  named.set(change, [{ flow: flow(1), pid: 6 }]);
  named.forget(change, connections);
  assert.deepEqual([named.get(flow(1)), named.get(ofIpv6())], [6, undefined], "who got it meanwhile keeps it");
  named.drop(change, flow(1));
  named.removeAll(change, 4);
  assert.deepEqual([named.get(flow(1)), named.get(datagrams)], [undefined, undefined]);
});

test("one slot's member is the one that has it among all slots", () => {
  const acceptors = [2, 3, 4].map((pid) => ({ pid, weight: pid }));
  assert.deepEqual(
    assignSlots(acceptors),
    Array.from({ length: 256 }, (_, slot) => memberOfSlot(acceptors, slot)),
  );
  assert.equal(memberOfSlot([{ pid: 2, weight: 0 }], 7), undefined);
});

class Swept {
  readonly scene = new HandoverScene(2);
  readonly known = new Set([1, 2]);
  named: NamedFlow[] = [];
  readonly #sweep = new FlowSweep(
    {
      of: () => this.named,
      idOf,
      forget: (_family: Family, flows) => (this.named = this.named.filter((one) => !flows.includes(one))),
    },
    (_family, pid) => this.known.has(pid),
  );

  name(remotePort: number, pid: number): void {
    this.named.push({ id: idOf(flow(remotePort)), pid });
  }

  sweep(): string[] {
    this.#sweep.sweep([this.scene.family]);
    return this.named.map(({ id, pid }) => `${[1, 2, 3, 4].find((port) => idOf(flow(port)) === id)} of ${pid}`);
  }
}

test("what its owner has not listed twice in a row is forgotten, nothing else", () => {
  const swept = new Swept();
  const { scene } = swept;
  scene.process(1).list(flow(1), HOLD.owner);
  scene.process(1).list(flow(2), HOLD.inherited);
  swept.name(1, 1);
  swept.name(2, 1);
  swept.name(3, 2);
  swept.name(4, 2);
  assert.equal(swept.sweep().length, 4, "once is not enough");
  scene.process(2).list(flow(3), HOLD.owner);
  assert.deepEqual(swept.sweep(), ["1 of 1", "3 of 2"]);
  scene.process(2).unlist(flow(3));
  assert.equal(swept.sweep().length, 2);
  scene.process(2).list(flow(3), HOLD.owner);
  swept.sweep();
  scene.process(2).unlist(flow(3));
  assert.equal(swept.sweep().length, 2, "twice, but not in a row");
  swept.named = [];
  swept.name(3, 1);
  assert.deepEqual(swept.sweep(), ["3 of 1"], "with another owner it begins anew");
  assert.deepEqual(swept.sweep(), []);
});

test("of a member that has not told what it has nothing is forgotten", () => {
  const swept = new Swept();
  swept.name(1, 2);
  swept.known.delete(2);
  for (let i = 0; i < 3; i++) assert.deepEqual(swept.sweep(), ["1 of 2"]);
});
