// A command whose whole family of processes ends with this one, Ctrl-C included; its output goes into a file.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { repositoryPath, displayPath } from "../image/paths.ts";
import { KaryonError } from "../support/errors.ts";

/**
 * Runs a command in the repository's folder and returns the seconds it took.
 *
 * @param log the file its output goes to
 * @throws KaryonError BENCH_FAILED when its exit status is not 0
 */
export async function timed(command: string, args: readonly string[], log: string): Promise<number> {
  await mkdir(dirname(log), { recursive: true });
  const output = openSync(log, "w");
  const start = performance.now();
  // A process group of its own: npm does not pass every signal on.
  const child = spawn(command, args, { cwd: repositoryPath("."), stdio: ["ignore", output, output], detached: true });
  const end = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
  };
  process.on("exit", end);
  try {
    const [status] = (await once(child, "exit")) as [number | null];
    const seconds = (performance.now() - start) / 1000;
    if (status === 0) return seconds;
    throw new KaryonError(
      "BENCH_FAILED",
      `${command} ${args.join(" ")} fails after ${seconds.toFixed(0)} s (status ${status})`,
      `see ${displayPath(log)}`,
    );
  } finally {
    process.off("exit", end);
    closeSync(output);
  }
}
