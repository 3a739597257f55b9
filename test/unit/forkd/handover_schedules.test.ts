// Random families whose processes hand connections to each other, close them, fork, die, while forkd is killed and comes again: no connection
// is ever with two processes, none goes on from an old state, none is forgotten.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import { ContractProcess, type World } from "./handover_process.ts";
import { flow, HandoverScene } from "./handover_scene.ts";

const SCHEDULES = Number(process.env["KARYON_HANDOVER_SCHEDULES"] ?? 300);
const STEPS = 250;
const CONNECTIONS = 6;
const MOST_PROCESSES = 7;

class Schedule {
  readonly scene = new HandoverScene();
  readonly world: World = { used: new Map(), ended: new Set() };
  readonly processes = new Map<number, ContractProcess>();
  readonly #random: Random;
  #recovering: number[] = [];
  #hasKilled = false;
  #lastPid = 1;
  #lastPort = 1000;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.scene.born(1, false);
    const first = new ContractProcess(this.scene, this.world, 1);
    this.processes.set(1, first);
    this.scene.asks(1);
    for (let i = 0; i < CONNECTIONS; i++) first.connect(flow(++this.#lastPort));
  }

  step(): void {
    const process = this.#any();
    const port = this.#random.between(1001, this.#lastPort);
    const action = this.#random.between(0, 99);
    if (action < 25) process.use(port);
    else if (action < 33) process.close(port);
    else if (action < 40) this.#fork(process);
    else if (action < 42 && this.processes.size > 1) this.#kill(process);
    else if (action < 43) this.#restart();
    else if (action < 45) process.reset(port);
    else if (action < 47) process.connect(flow(++this.#lastPort));
    else if (action < 49) this.#offer(process);
    else if (action < 65) process.flush();
    else if (action < 82) this.scene.mail.serve(this.scene.member(process.pid));
    else process.receive();
  }

  /** Lets everything that is under way come to its end: what is offered, too, for all accept now. */
  settle(): void {
    this.scene.acceptors = [...this.processes.keys()];
    this.scene.ownership.acceptorCame(this.scene.family);
    for (let round = 0, moving = true; moving; round++) {
      assert.ok(round < 1000, "it never ends");
      moving = false;
      for (const process of this.processes.values()) {
        moving = process.flush() || moving;
        this.scene.mail.serve(this.scene.member(process.pid));
        while (process.receive()) moving = true;
      }
    }
  }

  check(): void {
    this.#takeLost();
    const steered = new Map<number, number>();
    for (const line of this.scene.done) {
      const [port, pid] = line.split(" to ").map(Number);
      if (pid !== undefined) steered.set(port ?? 0, pid);
    }
    const all = [...this.processes.values()].flatMap(({ pid, connections }) =>
      [...connections].map(([port, connection]) => ({ pid, port, ...connection })),
    );
    for (const process of this.processes.values()) assert.ok(!process.isBusy, `process ${process.pid} has no room`);
    for (const [port, uses] of this.world.used) {
      const holders = all.filter((one) => one.port === port);
      const owners = holders.filter((one) => one.uses !== undefined);
      assert.equal(owners.length, this.world.ended.has(port) ? 0 : 1, `owners of ${port}`);
      for (const { claiming, handing, pid } of holders)
        assert.ok(!claiming && handing === undefined, `${port} of ${pid}`);
      const [owner] = owners;
      if (owner === undefined) continue;
      assert.equal(owner.uses, uses);
      assert.ok(!owner.offered && (!owner.released || holders.length > 2), `${port} is left with ${owner.pid}`);
      assert.equal(steered.get(port) ?? owner.pid, owner.pid, `the frames of ${port}`);
    }
    assert.deepEqual(this.scene.log, []);
  }

  closeAll(): void {
    for (const process of this.processes.values()) for (const port of process.connections.keys()) process.close(port);
  }

  #any(): ContractProcess {
    const all = [...this.processes.values()];
    const process = all[this.#random.between(0, all.length - 1)];
    assert.ok(process !== undefined);
    return process;
  }

  #fork(parent: ContractProcess): void {
    if (this.processes.size >= MOST_PROCESSES) return;
    const child = parent.fork(++this.#lastPid);
    this.processes.set(child.pid, child);
    this.scene.asks(child.pid);
  }

  #offer(process: ContractProcess): void {
    this.scene.acceptors = [...this.processes.keys()].filter(() => this.#random.between(0, 2) === 0);
    process.offer(flow(++this.#lastPort));
  }

  #kill(process: ContractProcess): void {
    const { pid } = process;
    // What a process has not sent when it dies nobody knows: that it has got a connection, and ended it.
    process.flush();
    if (process.isBusy) return;
    // Nobody can tell the peers of connections that nobody has been told of, nor who was sent what before forkd began anew.
    if (this.#isYoung(pid) || this.#isRecovering()) return;
    this.#hasKilled = true;
    this.processes.delete(pid);
    for (const port of this.scene.dies(pid)) this.world.ended.add(port);
    this.#takeLost();
  }

  /** Connections whose peers are reset are ended. */
  #takeLost(): void {
    for (const line of this.scene.done.splice(0)) {
      const [, port] = /^lost (\d+)$/.exec(line) ?? [];
      if (port === undefined) this.scene.done.push(line);
      else this.world.ended.add(Number(port));
    }
  }

  #isYoung(pid: number): boolean {
    return this.scene.ownership.isYoung(this.scene.member(pid));
  }

  #isRecovering(): boolean {
    this.#recovering = this.#recovering.filter((pid) => this.processes.has(pid) && this.#isYoung(pid));
    return this.#recovering.length > 0;
  }

  #restart(): void {
    // What a forkd has heard but decided nothing about, since not everybody had told yet, the one after it does not know.
    if (this.#isRecovering()) return;
    // Nor what it had still to say in a dead one's name.
    if (this.#hasKilled) this.settle();
    this.#hasKilled = false;
    this.scene.restart();
    this.#recovering = [...this.processes.keys()];
    for (const pid of this.processes.keys()) this.scene.asks(pid);
  }
}

test(`${SCHEDULES} random schedules of hand-overs`, () => {
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    try {
      const schedule = new Schedule(seed);
      for (let step = 0; step < STEPS; step++) schedule.step();
      schedule.settle();
      schedule.check();
      schedule.closeAll();
      schedule.settle();
      schedule.check();
      assert.equal(schedule.world.ended.size, schedule.world.used.size);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
