// On which of the host's processors a machine's virtual ones run. Linux tends to put a thread beside the one that wakes it: two
// virtual processors then take turns of some milliseconds on one processor while others idle.
import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import type { Qmp } from "./qmp.ts";

/** What `query-cpus-fast` tells of a virtual processor. */
interface VirtualProcessor {
  readonly "thread-id": number;
}

/**
 * Binds every virtual processor to a processor of its own, where the host has enough and each is a thread of its own; whether
 * it did.
 */
export async function spreadProcessors(qmp: Qmp): Promise<boolean> {
  const processors = (await qmp.command("query-cpus-fast")) as readonly VirtualProcessor[];
  const threads = new Set(processors.map((processor) => processor["thread-id"]));
  if (threads.size < processors.length || threads.size > availableParallelism()) return false;
  for (const [number, thread] of [...threads].entries()) {
    await promisify(execFile)("taskset", ["--cpu-list", "--pid", String(number), String(thread)]);
  }
  return true;
}
