// forkd's part in signals: whom a request reaches, what Xen is asked to do, and who is told. The domains are made up.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Descriptor } from "../../../tools/forkd/descriptor.ts";
import { EVENT_CONTINUED, EVENT_QUEUED, EVENT_SIGNAL, EVENT_STOPPED } from "../../../tools/forkd/event_ring.ts";
import { Family, type Member } from "../../../tools/forkd/family/family.ts";
import { NO_CHILDREN } from "../../../tools/forkd/family/limits.ts";
import { Signals } from "../../../tools/forkd/family/signals.ts";

const [ESRCH, EINVAL, EIO] = [-3, -22, -5];
const [SIGKILL, SIGUSR1, SIGTERM, SIGCONT, SIGSTOP, SIGTSTP] = [9, 10, 15, 18, 19, 20];
const PENDING = 0x7fffffff;
const REQUEST = 160;
const RESULT = 172;
const LOCKED = 200;
const DATA = 232;
const QUEUE = 7;

class Scene {
  /** What Xen was asked to do: "pause 3". */
  readonly asked: string[] = [];
  readonly paused = new Set<number>();
  readonly ended = new Set<number>();
  failing = false;
  /** What a domain does as soon as it runs again. */
  ran: (domain: number) => void = () => undefined;
  readonly #pages = new Map<Member, DataView>();
  readonly #signals = new Signals(
    {
      info: (domain) => ({
        uuid: `uuid-${domain}`,
        dying: false,
        paused: this.paused.has(domain),
        shutdown: this.ended.has(domain) ? 0 : undefined,
        pages: 1,
        maximumPages: 1,
        sharedInfoFrame: 1,
      }),
      pause: (domain) => this.#ask("pause", domain, () => this.paused.add(domain)),
      unpause: (domain) => this.#ask("unpause", domain, () => this.#run(domain)),
      shutdown: (domain) => this.#ask("shutdown", domain, () => this.ended.add(domain)),
    },
    { serves: (member) => !member.ending, notify: () => undefined },
    () => undefined,
    () => undefined,
  );

  #ask(what: string, domain: number, then: () => void): void {
    if (this.failing) throw new Error("Xen refuses");
    this.asked.push(`${what} ${domain}`);
    then();
  }

  #run(domain: number): void {
    this.paused.delete(domain);
    this.ran(domain);
  }

  /** Says that `member` has the lock of a page in common, or not. */
  setLocked(member: Member, locked: boolean): void {
    this.#pages.get(member)?.setUint32(LOCKED, locked ? 1 : 0, true);
  }

  /** Processes 1, 2, …, each the child of the one before; their domains count from `domain`. */
  family(domain: number, size: number): Member[] {
    const family = new Family(`uuid-${domain}`, "test", NO_CHILDREN);
    return Array.from({ length: size }, (_, i) => {
      const page = new Uint8Array(4096);
      const identity = { pid: i + 1, domain: domain + i, uuid: `uuid-${domain + i}`, name: "test", parentPid: i };
      const state = {
        port: 1,
        mailbox: undefined,
        flows: undefined,
        address: undefined,
        forking: false,
        ending: false,
        unposted: [],
        status: undefined,
      };
      const mapped = { descriptor: new Descriptor(page), descriptorFrame: 1, unmap: () => undefined };
      const member: Member = { family, ...identity, ...mapped, ...state };
      this.#pages.set(member, new DataView(page.buffer));
      family.know(member);
      return member;
    });
  }

  /** What `asker` gets for its request of a signal with a value. */
  queue(asker: Member, pid: number, signal: number, value: number): number {
    this.#pages.get(asker)?.setInt32(DATA, value, true);
    return this.kill(asker, pid, signal, QUEUE);
  }

  /** What an operator gets for a signal. */
  deliver(target: Member, signal: number): number {
    return this.#signals.deliver(target, signal);
  }

  /** What `asker` gets for its request. */
  kill(asker: Member, pid: number, signal: number, operation = 1): number {
    const page = this.#pages.get(asker);
    assert.ok(page !== undefined);
    page.setUint32(REQUEST, operation, true);
    page.setInt32(REQUEST + 4, pid, true);
    page.setInt32(REQUEST + 8, signal, true);
    page.setUint32(RESULT, PENDING, true);
    this.#signals.serve(asker);
    return page.getInt32(RESULT, true);
  }
}

function told({ unposted }: Member): number[][] {
  return unposted.map(({ kind, pid, value }) => [kind, pid, value]);
}

test("a request reaches the family of the domain that asks, and no other", () => {
  const scene = new Scene();
  const [first, second] = scene.family(1, 2);
  const [other, third, fourth] = scene.family(10, 3);
  assert.ok(first && second && other && third && fourth);
  assert.equal(scene.kill(first, 2, SIGTERM), 0);
  assert.equal(scene.kill(first, 3, SIGKILL), ESRCH);
  assert.equal(scene.kill(second, 0, SIGUSR1), 0);
  assert.deepEqual(told(second), [[EVENT_SIGNAL, 1, SIGTERM]]);
  assert.deepEqual(told(first), [[EVENT_SIGNAL, 2, SIGUSR1]]);
  for (const member of [other, third, fourth]) assert.deepEqual(told(member), []);
  assert.deepEqual(scene.asked, []);
});

test("a value goes with its signal, of which the first of a kind waits; what ends or goes on needs none", () => {
  const scene = new Scene();
  const [first, second] = scene.family(1, 2);
  assert.ok(first && second);
  assert.equal(scene.queue(first, 2, SIGTERM, -7), 0);
  assert.equal(scene.queue(second, 2, SIGTERM, 8), 0);
  assert.equal(scene.kill(first, 2, SIGTERM), 0);
  assert.equal(scene.kill(second, 2, SIGUSR1), 0);
  assert.equal(scene.queue(first, 2, SIGUSR1, 9), 0);
  assert.deepEqual(told(second), [
    [EVENT_QUEUED, 1, SIGTERM],
    [EVENT_SIGNAL, 2, SIGUSR1],
  ]);
  assert.deepEqual(
    second.unposted.map(({ data }) => data),
    [-7, 0],
  );
  assert.equal(scene.queue(first, 2, 32, 0), EINVAL);
  assert.equal(scene.queue(first, 3, SIGTERM, 0), ESRCH);
  assert.equal(scene.queue(first, 2, SIGKILL, 1), 0);
  assert.deepEqual([second.descriptor.exitStatus, second.unposted.length], [SIGKILL, 2]);
});

test("nonsense is refused: signals, pids and operations that are none", () => {
  const scene = new Scene();
  const [first, second] = scene.family(1, 2);
  assert.ok(first && second);
  for (const signal of [-1, 32, 64, PENDING, -PENDING]) assert.equal(scene.kill(first, 2, signal), EINVAL);
  for (const pid of [-1, 3, PENDING, -PENDING]) assert.equal(scene.kill(first, pid, SIGTERM), ESRCH);
  for (const operation of [0, 2, PENDING]) assert.equal(scene.kill(first, 2, SIGKILL, operation), EINVAL);
  assert.equal(scene.kill(first, 2, 0), 0);
  assert.deepEqual(told(second), []);
  assert.deepEqual(scene.asked, []);
});

test("SIGKILL ends a domain with the signal as its status; an ended one is no process", () => {
  const scene = new Scene();
  const [first, second] = scene.family(1, 2);
  assert.ok(first && second);
  assert.equal(scene.kill(first, 2, SIGKILL), 0);
  assert.equal(second.descriptor.exitStatus, SIGKILL);
  assert.equal(scene.kill(first, 2, 0), ESRCH);
  assert.deepEqual(scene.asked, ["shutdown 2"]);
  assert.equal(scene.kill(first, 0, SIGKILL), 0, "the others have ended already");
});

test("stops and continuations: once, and the parent hears of them", () => {
  const scene = new Scene();
  const [first, second] = scene.family(1, 2);
  assert.ok(first && second);
  assert.equal(scene.kill(first, 2, SIGSTOP), 0);
  assert.equal(scene.kill(first, 2, SIGSTOP), 0);
  assert.deepEqual(told(first), [[EVENT_STOPPED, 2, SIGSTOP]]);
  assert.equal(scene.kill(first, 2, SIGCONT), 0);
  assert.equal(scene.kill(first, 2, SIGCONT), 0);
  assert.deepEqual(told(first), [[EVENT_CONTINUED, 2, SIGCONT]], "only the last change counts");
  assert.deepEqual(told(second), [[EVENT_SIGNAL, 1, SIGCONT]], "one of a kind is pending");
  assert.equal(scene.kill(first, 2, SIGTSTP), 0);
  assert.deepEqual(told(second).at(-1), [EVENT_SIGNAL, 1, SIGTSTP], "what it does is the target's to decide …");
  assert.equal(scene.kill(second, 2, SIGTSTP), 0);
  assert.deepEqual(told(first), [[EVENT_STOPPED, 2, SIGTSTP]], "… and to ask for");
  assert.deepEqual(scene.asked, ["pause 2", "unpause 2", "pause 2"]);
});

test("a flood of signals waits as one of each", () => {
  const scene = new Scene();
  const [first, second] = scene.family(1, 2);
  assert.ok(first && second);
  for (let i = 0; i < 1000; i++) scene.kill(first, 2, 1 + (i % 8));
  assert.equal(second.unposted.length, 8);
});

test("an error of Xen's is the asker's answer", () => {
  const scene = new Scene();
  const [first] = scene.family(1, 2);
  assert.ok(first);
  scene.failing = true;
  assert.equal(scene.kill(first, 2, SIGSTOP), EIO);
});

test("nobody is stopped while it has a lock that others wait for, unless it keeps it for ever", () => {
  const scene = new Scene();
  const [first, second] = scene.family(3, 2);
  assert.ok(first !== undefined && second !== undefined);
  scene.setLocked(second, true);
  let runs = 0;
  scene.ran = () => {
    runs += 1;
    if (runs === 3) scene.setLocked(second, false);
  };
  assert.equal(scene.kill(first, 2, SIGSTOP), 0);
  assert.deepEqual([runs, scene.paused.has(4)], [3, true]);
  scene.kill(first, 2, SIGCONT);
  scene.setLocked(second, true);
  scene.ran = () => void (runs += 1);
  runs = 0;
  assert.equal(scene.kill(first, 2, SIGSTOP), 0);
  assert.deepEqual([runs, scene.paused.has(4)], [100, true]);
});

test("the operator's signals come from nobody, end and stop like others, and reach no ended process", () => {
  const scene = new Scene();
  const [first, second] = scene.family(1, 2);
  assert.ok(first && second);
  assert.equal(scene.deliver(first, SIGUSR1), 0);
  assert.deepEqual(told(first), [[EVENT_SIGNAL, 0, SIGUSR1]]);
  assert.equal(scene.deliver(second, SIGSTOP), 0);
  assert.equal(scene.deliver(second, SIGKILL), 0);
  assert.deepEqual(scene.asked, ["pause 2", "shutdown 2"]);
  assert.equal(scene.deliver(second, SIGUSR1), ESRCH);
  scene.failing = true;
  assert.equal(scene.deliver(first, SIGKILL), EIO);
});
