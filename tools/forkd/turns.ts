// Work that must not overlap, one piece after the other. A domain that somebody waits for must not wait for those that have ended:
// fifty that end at once take forkd a minute on a slow host.
import { describeError } from "../support/errors.ts";
import type { Log } from "../support/log.ts";

type Work = () => Promise<void>;

/** A queue in which some go first. */
export class Turns {
  readonly #soon: Work[] = [];
  readonly #later: Work[] = [];
  #running: Promise<void> | undefined;

  constructor(private readonly log: Log) {}

  /** Does `work` after all that has been asked for. What fails is logged. */
  later(work: Work): void {
    this.#later.push(work);
    this.#running ??= this.#run();
  }

  /** Does `work` before what was asked for by later(), but for the piece that is under way. */
  soon(work: Work): void {
    this.#soon.push(work);
    this.#running ??= this.#run();
  }

  /** Returns when there is nothing to do any more. */
  async rest(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // nothing is done while it is asked for
    for (let work = this.#next(); work !== undefined; work = this.#next()) {
      await work().catch((error: unknown) => this.log(describeError(error)));
    }
    this.#running = undefined;
  }

  #next(): Work | undefined {
    return this.#soon.shift() ?? this.#later.shift();
  }
}
