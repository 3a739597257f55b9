// What has to be done sooner or later, whatever fails at first: a parent waits for it, or something would be left over.
import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../support/errors.ts";
import type { Log } from "../support/log.ts";

const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 20;

/**
 * Does `work`, which can be repeated, until it succeeds; its result. Gives up after a second or so and says so, because what comes
 * after it must not wait for ever: undefined then. Does not throw.
 *
 * @param what what it is to do, for the log: "remove …"
 */
export async function insist<T>(what: string, log: Log, work: () => Promise<T> | T): Promise<T | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS) return void log(`cannot ${what}: ${describeError(error)}`);
    }
    await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
  }
}
