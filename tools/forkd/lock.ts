// One forkd on a host: a lock that the kernel takes back when the process ends, however it ends.
import koffi from "koffi";
import { mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { KaryonError } from "../support/errors.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
const FILE = "/run/karyon/forkd.lock";

/**
 * Takes the right to serve this host until the process ends.
 *
 * @throws KaryonError FORKD_RUNS when another process has it
 */
export function lockHost(file: string = FILE): void {
  mkdirSync(dirname(file), { recursive: true });
  const flock = koffi.load("libc.so.6").func("int flock(int fd, int operation)");
  if ((flock(openSync(file, "a"), LOCK_EX | LOCK_NB) as number) === 0) return;
  const mend = "stop it first (systemctl stop forkd); two would answer the same requests";
  throw new KaryonError("FORKD_RUNS", `forkd is already running on this host (it has locked ${file})`, mend);
}
