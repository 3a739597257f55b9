// The stage times of a fork, which forkd leaves in the parent's descriptor for fork_stats().
import { COUNT, STAGE, type Descriptor } from "../descriptor.ts";
import { callCount } from "../xen/library.ts";

const NS_PER_MS = 1e6;

/** The course of one fork, from the moment forkd saw the request. */
export class Stages {
  readonly #start = performance.now();
  readonly #calls = callCount();

  constructor(private readonly descriptor: Descriptor) {}

  reached(stage: keyof typeof STAGE): void {
    this.descriptor.setStage(STAGE[stage], (performance.now() - this.#start) * NS_PER_MS);
  }

  count(what: keyof typeof COUNT, value: number): void {
    this.descriptor.setStage(COUNT[what], value);
  }

  /** The calls into Xen since the start. */
  countCalls(): void {
    this.count("calls", callCount() - this.#calls);
  }

  /** Milliseconds since the start. */
  get elapsedMs(): number {
    return performance.now() - this.#start;
  }
}
