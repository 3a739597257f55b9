// forkd in a lab, for the tests.
export { Forkd, pushProgram, startForkd, type ForkdOptions } from "../../tools/lab/forkd.ts";

/** How many children there were at once at most, by what a forkd has logged. */
export function mostChildren(log: string): number {
  const [living, ended] = [new Set<string>(), / (\S+) \(process \d+, domain \d+\) ended/];
  let most = 0;
  for (const line of log.split("\n")) {
    const born = / forked (\S+)/.exec(line)?.[1];
    if (born !== undefined) living.add(born);
    living.delete(ended.exec(line)?.[1] ?? ""); // also those of an earlier forkd, which are not counted
    most = Math.max(most, living.size);
  }
  return most;
}
