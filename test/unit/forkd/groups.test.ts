// forkd's part in process groups: what it allows, who hears of it, and whom a signal to a group reaches. The domains are made up.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Descriptor } from "../../../tools/forkd/descriptor.ts";
import { EVENT_GROUP } from "../../../tools/forkd/event_ring.ts";
import { Family, type Member } from "../../../tools/forkd/family/family.ts";
import { membersOf, serveGroups } from "../../../tools/forkd/family/groups.ts";
import { NO_CHILDREN } from "../../../tools/forkd/family/limits.ts";

const [EPERM, ESRCH, EINVAL] = [-1, -3, -22];

/** Processes 1 to `size`; 2 is a child of 1, all others of 2. All are of process group 1 and session 1. */
function processes(size: number): Member[] {
  const family = new Family("uuid", "test", NO_CHILDREN);
  return Array.from({ length: size }, (_, i) => {
    const pid = i + 1;
    const descriptor = new Descriptor(new Uint8Array(4096));
    descriptor.setBelonging({ group: 1, session: 1 });
    const identity = { pid, domain: pid, uuid: `uuid-${pid}`, name: "test", parentPid: Math.min(i, 2) };
    const state = { port: 1, mailbox: undefined, flows: undefined, address: undefined, forking: false, ending: false };
    const member: Member = {
      ...{ family, ...identity, ...state, unposted: [], status: undefined },
      ...{ descriptor, descriptorFrame: 1, unmap: () => undefined },
    };
    family.know(member);
    return member;
  });
}

class Scene {
  readonly posted: number[] = [];
  readonly all: Member[];

  constructor(size: number) {
    this.all = processes(size);
  }

  member(pid: number): Member {
    const member = this.all[pid - 1];
    assert.ok(member !== undefined);
    return member;
  }

  #ask(asker: number, what: "join" | "begin" | "groupOf" | "sessionOf", pid: number, group = 0): number {
    return serveGroups(this.member(asker), { what, pid, group }, (member) => this.posted.push(member.pid));
  }

  setpgid = (asker: number, pid: number, group: number): number => this.#ask(asker, "join", pid, group);
  setsid = (asker: number, pid = asker): number => this.#ask(asker, "begin", pid);
  getpgid = (asker: number, pid: number): number => this.#ask(asker, "groupOf", pid);
  getsid = (asker: number, pid: number): number => this.#ask(asker, "sessionOf", pid);

  group(number: number): number[] {
    return membersOf(this.member(1).family, number).map(({ pid }) => pid);
  }
}

test("a process and its parent may have it begin a group, and join one of its session", () => {
  const scene = new Scene(5);
  assert.deepEqual(scene.group(1), [1, 2, 3, 4, 5]);
  assert.equal(scene.setpgid(3, 3, 3), 0, "itself");
  assert.equal(scene.setpgid(2, 4, 3), 0, "its parent");
  assert.equal(scene.setpgid(2, 5, 5), 0);
  assert.deepEqual([scene.group(1), scene.group(3), scene.group(5)], [[1, 2], [3, 4], [5]]);
  assert.deepEqual([scene.getpgid(1, 4), scene.getsid(5, 4)], [3, 1]);
  assert.equal(scene.setpgid(4, 4, 1), 0, "and back");
  assert.deepEqual(scene.group(1), [1, 2, 4]);
  assert.deepEqual(
    scene.member(2).unposted.map(({ kind, pid, value }) => [kind, pid, value]),
    [[EVENT_GROUP, 3, 3], [EVENT_GROUP, 5, 5], [EVENT_GROUP, 4, 1]], // prettier-ignore
    "of each child the last",
  );
  assert.deepEqual(scene.posted, [2, 2, 2, 2]);
});

test("nobody else may, and no group can be joined that is not there or of another session", () => {
  const scene = new Scene(5);
  assert.equal(scene.setpgid(3, 4, 4), ESRCH, "a sibling");
  assert.equal(scene.setpgid(3, 2, 2), ESRCH, "a parent");
  assert.equal(scene.setpgid(2, 9, 9), ESRCH);
  for (const group of [0, -1, -0x80000000]) assert.equal(scene.setpgid(3, 3, group), EINVAL);
  assert.equal(scene.setpgid(3, 3, 4), EPERM, "no such group");
  assert.equal(scene.setpgid(1, 1, 1), EPERM, "who has begun a session");
  assert.equal(scene.setsid(3), 3);
  assert.equal(scene.setpgid(2, 3, 1), EPERM, "who has begun a session");
  assert.equal(scene.setpgid(2, 4, 3), EPERM, "a group of another session");
  assert.equal(scene.setpgid(4, 4, 3), EPERM);
  scene.member(5).ending = true;
  assert.equal(scene.setpgid(2, 5, 5), ESRCH);
  assert.equal(scene.getpgid(2, 5), ESRCH);
});

test("a session begins with a process that leads no group", () => {
  const scene = new Scene(4);
  assert.equal(scene.setsid(1), EPERM, "process 1 leads the first");
  assert.equal(scene.setpgid(3, 3, 3), 0);
  assert.equal(scene.setsid(3), EPERM);
  assert.equal(scene.setpgid(4, 4, 3), 0);
  assert.equal(scene.setpgid(3, 3, 1), 0);
  assert.equal(scene.setsid(3), EPERM, "another is still of the group of its number");
  assert.equal(scene.setsid(4), 4);
  assert.deepEqual([scene.getsid(1, 4), scene.getpgid(1, 4)], [4, 4]);
  assert.equal(scene.setsid(3), 3);
  assert.equal(scene.setsid(2, 4), ESRCH, "another cannot");
});
