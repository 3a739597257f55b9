// forkd in a lab, for the tests.
export { Forkd, pushProgram, startForkd, type ForkdOptions } from "../../tools/lab/forkd.ts";

/** How many children there were at once at most, by what a forkd has logged. */
export function mostChildren(log: string): number {
  let [now, most] = [0, 0];
  for (const [, born] of log.matchAll(/ (?:(forked) \S+|\(process \d+, domain \d+\) ended)/g)) {
    now += born === undefined ? -1 : 1;
    most = Math.max(most, now);
  }
  return most;
}
