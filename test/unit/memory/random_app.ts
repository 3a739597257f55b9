// An app whose memory is written at random while it forks: what it has written is there whatever else happens, and what relatives had stays theirs.
import assert from "node:assert/strict";
import { Random } from "../../support/random.ts";
import { PAGE } from "./frames.ts";
import type { Machine, Relative } from "./machine.ts";
import { APP } from "./xen.ts";

export const ENOMEM = 12;
/** Frames of the machine. */
export const FRAMES = 2200;
/** The app's memory: at its start, and at most. */
export const START = 1 << 20;
export const APP_MOST = 5 << 20;

/** Makes a relative that has what the app has now. */
export function fork(machine: Machine): Relative {
  machine.call.copyOnWriteProtect();
  return machine.share();
}

/** The app's part of a random test; the same for the same seed. */
export class RandomApp {
  readonly children: Relative[] = [];
  private readonly random: Random;
  private readonly contents = new Map<number, number>();

  constructor(
    readonly machine: Machine,
    seed: number,
  ) {
    this.random = new Random(seed);
  }

  /** A number from 0 up to, and without, `limit`. */
  below(limit: number): number {
    return this.random.between(0, limit - 1);
  }

  /** Writes a byte somewhere. */
  write(): void {
    const address = APP + PAGE + this.below(this.machine.call.appSpaceSize() - PAGE);
    const value = this.below(256);
    assert.equal(this.machine.write(address, value), 0);
    this.contents.set(address, value);
  }

  fork(): void {
    this.children.push(fork(this.machine));
  }

  /** One of the children ends. */
  endChild(): void {
    const [child] = this.children.splice(this.below(this.children.length), 1);
    if (child !== undefined) this.machine.end(child);
  }

  /** The app begins anew, with empty memory. */
  forget(): void {
    this.contents.clear();
  }

  /** The app, with some memory written, is now a copy that shares all of it with its parent, which this returns. */
  becomeCopy(): Relative {
    for (let i = 0; i < 100; i++) this.machine.write(APP + PAGE + this.below(START - PAGE), this.below(256));
    this.machine.call.copyOnWriteProtect();
    const parent = this.machine.becomeCopy();
    this.machine.sharers = 1;
    return parent;
  }

  /** Checks that the app has what it wrote, and that no relative has anything else than it had. */
  check(...relatives: readonly Relative[]): void {
    for (const [address, value] of this.contents) assert.equal(this.machine.read(address), value);
    for (const relative of [...this.children, ...relatives]) assert.equal(this.machine.changedFor(relative), undefined);
  }
}
