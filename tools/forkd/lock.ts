// One forkd on a host: a name among Linux's abstract sockets, which the kernel takes back when its process ends, however.
import { createServer } from "node:net";
import { KaryonError } from "../support/errors.ts";

/**
 * Takes the right to serve this host until the process ends.
 *
 * @throws KaryonError FORKD_RUNS when another process has it
 */
export function lockHost(name = "karyon-forkd"): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const mend = "stop it first (systemctl stop forkd); two would answer the same requests";
      if (cause.code !== "EADDRINUSE") reject(new KaryonError("FORKD_LOCK", `cannot lock the host: ${cause.message}`));
      else reject(new KaryonError("FORKD_RUNS", "another forkd serves this host", mend, { cause }));
    });
    server.listen(`\0${name}`, () => resolve());
  });
}
