// forkd's part in doorbells: who is told of which port, as whose. The members are made up.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Descriptor } from "../../../tools/forkd/descriptor.ts";
import { EVENT_DOORBELL } from "../../../tools/forkd/event_ring.ts";
import { Doorbells } from "../../../tools/forkd/family/doorbells.ts";
import { Family, type Member } from "../../../tools/forkd/family/family.ts";
import { NO_CHILDREN } from "../../../tools/forkd/family/limits.ts";

const PENDING = 0x7fffffff;
const ESRCH = 3;

function memberOf(family: Family, pid: number): { readonly member: Member; readonly page: DataView } {
  const bytes = new Uint8Array(4096);
  const identity = { pid, domain: 10 + pid, uuid: `uuid-${pid}`, name: "test", parentPid: 1 };
  const state = { port: 1, mailbox: undefined, flows: undefined, address: undefined, forking: false, ending: false };
  const mapped = { descriptor: new Descriptor(bytes), descriptorFrame: 1, unmap: () => undefined };
  const member: Member = { family, ...identity, ...mapped, ...state, unposted: [], status: undefined };
  family.know(member);
  return { member, page: new DataView(bytes.buffer) };
}

function ask(page: DataView, operation: number, pid: number, port: number): void {
  for (const [at, value] of [
    [160, operation],
    [164, pid],
    [168, port],
    [172, PENDING],
  ] as const) {
    page.setInt32(at, value, true);
  }
}

test("a relative hears of a port as that of the domain which asks; nobody else can be told", () => {
  const family = new Family("uuid-1", "test", NO_CHILDREN);
  const { member: asker, page } = memberOf(family, 1);
  const { member: target } = memberOf(family, 2);
  const { member: stranger } = memberOf(new Family("uuid-3", "other", NO_CHILDREN), 3);
  const posted: Member[] = [];
  const serves = (member: Member): boolean => !member.ending;
  const doorbells = new Doorbells({ serves, notify: () => undefined }, (member) => void posted.push(member));
  const result = (operation: number, pid: number, port: number): number => {
    ask(page, operation, pid, port);
    doorbells.serve(asker);
    return page.getInt32(172, true);
  };
  assert.equal(result(2, 2, 7), 0);
  assert.equal(result(2, 2, 9), 0); // another channel before the first was heard of: the last counts
  const event = { kind: EVENT_DOORBELL, pid: 1, value: 9, data: 0, cpuTime: 0n, frames: 11 };
  assert.deepEqual([target.unposted, posted], [[event], [target, target]]);
  for (const pid of [3, 0, -1, 99]) assert.equal(result(2, pid, 7), -ESRCH);
  target.ending = true;
  assert.equal(result(2, 2, 7), -ESRCH);
  assert.equal(result(1, 2, 9), PENDING, "a signal is not its business");
  assert.deepEqual([stranger.unposted, target.unposted.length], [[], 1]);
});
