// A family whose processes have a pipe in common, through which they pass connections; what clients and processes do, in few words.
import assert from "node:assert/strict";
import { Network, type Conditions } from "../../support/network.ts";
import { Errno, Stack } from "../tcp/stack.ts";
import { Family } from "./family.ts";
import type { Process } from "./process.ts";

const PORT = 80;
const PIPE = 8192;
/** Longer than 2 MSL. */
const TIME_WAIT_MS = 130_000;

/** A parent, children that it has had before any connection came, and the pages of a pipe from it to them. */
export class Scene {
  readonly children: Process[] = [];
  /** The clients' sockets. */
  readonly far: number[] = [];
  /** The parent's descriptors. */
  readonly near: number[] = [];
  #common: Buffer = Buffer.alloc(PIPE);

  private constructor(
    readonly network: Network,
    readonly family: Family,
    readonly client: Stack,
    readonly listener: number,
    readonly pipeAt: number,
  ) {}

  static async start(children = 2, seed = 1, conditions: Conditions = {}): Promise<Scene> {
    const network = new Network(seed, conditions);
    const family = await Family.create(network, 1, { seed });
    const client = (await Stack.create(2)).join(network);
    const parent = family.first;
    const pipeAt = parent.call("pipeStart", children);
    parent.call("processIs", 1);
    const scene = new Scene(network, family, client, parent.listen(PORT), pipeAt);
    scene.#common = scene.#seen(parent);
    for (let i = 0; i < children; i++) {
      const child = family.fork(parent);
      child.call("processIs", child.pid);
      scene.children.push(child);
    }
    scene.pass();
    return scene;
  }

  get parent(): Process {
    return this.family.first;
  }

  get processes(): Process[] {
    return this.family.members.map(({ process }) => process);
  }

  child(index: number): Process {
    const child = this.children[index];
    assert.ok(child);
    return child;
  }

  #seen(process: Process): Buffer {
    return Buffer.from(process.bytes(this.pipeAt, PIPE));
  }

  /** What each process has written to the pipe's pages all see. */
  share(): void {
    const before = Buffer.from(this.#common);
    for (const process of this.processes) {
      const seen = this.#seen(process);
      if (!seen.equals(before)) seen.forEach((byte, i) => void (byte === before[i] || (this.#common[i] = byte)));
    }
    for (const process of this.processes) process.write(this.pipeAt, this.#common);
  }

  /** Time passes, ms. */
  pass(ms = 10): void {
    this.share();
    for (let i = 0; i < ms; i++) {
      this.network.pass(1);
      this.share();
    }
  }

  /** A client connects, and the parent accepts: its number. */
  connect(): number {
    this.far.push(this.client.connect(this.parent.address, PORT));
    let socket = 0;
    this.network.run("open", 1000, () => (socket = socket === 0 ? this.parent.accept(this.listener) : socket) !== 0);
    this.near.push(this.parent.call("descriptorOf", socket));
    this.pass();
    return this.far.length - 1;
  }

  says(index: number, text: string): void {
    assert.equal(this.client.send(this.far[index] ?? 0, text), text.length);
    this.pass();
  }

  hears(index: number): string | number {
    return this.client.readText(this.far[index] ?? 0);
  }

  /** The parent sends connection `index` with `length` bytes. */
  send(index: number, length = 1, count = 1): number {
    const result = this.parent.call("passSend", this.near[index] ?? -1, count, length);
    this.share();
    return result;
  }

  closeNear(index: number): void {
    assert.equal(this.parent.call("descriptorClose", this.near[index] ?? -1), 0);
    this.share();
  }

  /** What a process gets with up to `length` bytes: how many, the descriptors, and whether some were cut off. */
  receive(process: Process, length = 1, room = 4): { result: number; descriptors: number[]; cut: boolean } {
    const result = process.call("passReceive", length, room);
    const descriptors = [0, 1, 2, 3].map((at) => process.call("passedAt", at)).filter((fd) => fd >= 0);
    const cut = process.call("passEnd") === 1;
    this.share();
    return { result, descriptors, cut };
  }

  /** A process takes one connection: the descriptor and the socket. */
  take(process: Process): { fd: number; socket: number } {
    const { result, descriptors, cut } = this.receive(process);
    assert.deepEqual([result, descriptors.length, cut], [1, 1, false]);
    const [fd = -1] = descriptors;
    return { fd, socket: process.call("socketOf", fd) };
  }

  /** Reads all that has come, as a process that waits does. */
  read(process: Process, socket: number): string | number {
    const first = process.readText(socket);
    if (first !== -Errno.EAGAIN) return first;
    this.pass();
    return process.readText(socket);
  }

  end(process: Process): void {
    this.family.end(process);
    for (const other of this.processes) {
      other.call("gone", process.pid);
      this.share();
    }
    this.pass();
  }

  /** Nothing is left: connections of nobody, nor anything on its way. */
  assertClean(): void {
    this.pass(100);
    this.network.pass(TIME_WAIT_MS);
    this.share();
    for (const process of this.processes) {
      assert.equal(process.call("passingUnfinished"), 0, `process ${process.pid}`);
      assert.equal(process.call("socketCount"), 1, `process ${process.pid}`);
      assert.equal(process.call("tableCount"), 0, `process ${process.pid}`);
    }
    assert.equal(this.parent.call("placesFree"), 4);
  }
}
