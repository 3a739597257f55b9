// How the host's memory is used, as dom0 tells: by Xen's account of each domain, and dom0's own.
import type { Lab } from "../../lab/lab.ts";
import { KaryonError } from "../../support/errors.ts";

/** One look; kB are 1024 bytes. */
export interface HostMemory {
  /** kB that Xen accounts to each domain, by name. */
  readonly domains: ReadonlyMap<string, number>;
  /** MiB that Xen has left. */
  readonly xenFree: number;
  /** kB that dom0 could give to programs. */
  readonly dom0Available: number;
  /** kB of each of dom0's daemons. */
  readonly forkd: number;
  readonly xenstored: number;
  readonly xenconsoled: number;
}

const MARK = "=next=";

/** Looks now. */
export async function hostMemory(lab: Lab, forkdPid: number): Promise<HostMemory> {
  const rss = (pid: string): string => `awk '/^VmRSS/ { print $2 }' /proc/${pid}/status`;
  const commands = [
    "xentop -b -f -i 1",
    "xl info free_memory",
    "awk '/^MemAvailable/ { print $2 }' /proc/meminfo",
    rss(String(forkdPid)),
    rss("$(cat /run/xenstore.pid)"),
    rss("$(cat /run/xenconsoled.pid)"),
  ];
  const said = (await lab.run(commands.join(`; echo ${MARK}; `), { timeoutMs: 120_000 })).split(MARK);
  const [xenFree = NaN, dom0Available = NaN, forkd = NaN, xenstored = NaN, xenconsoled = NaN] = said
    .slice(1)
    .map(Number);
  if ([xenFree, dom0Available, forkd, xenstored, xenconsoled].some(Number.isNaN)) {
    throw new KaryonError("BENCH_FAILED", `dom0's memory is not understood:\n${said.join(MARK)}`);
  }
  return { domains: domainMemory(said[0] ?? ""), xenFree, dom0Available, forkd, xenstored, xenconsoled };
}

/** kB by domain from what `xentop -b -f` prints. */
export function domainMemory(text: string): Map<string, number> {
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/));
  const start = rows.findIndex(([first]) => first === "NAME");
  const column = rows[start]?.indexOf("MEM(k)") ?? -1;
  if (column < 0) throw new KaryonError("BENCH_FAILED", `xentop's output is not understood:\n${text}`);
  // A name is one word, and a state is always there ("--b---").
  return new Map(
    rows.slice(start + 1).flatMap((row) => (row[column] === undefined ? [] : [[row[0] ?? "", Number(row[column])]])),
  );
}
