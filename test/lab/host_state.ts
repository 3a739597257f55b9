// What a leak changes in a Xen host: taken before and after, and compared so that a failure names what is left. Numbers that
// are new each time – of domains, processes, uuids – are left out of it, and so are values: what counts is what there is.
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../../tools/lab/lab.ts";
import type { Forkd } from "./forkd_support.ts";

/**
 * What may be missing at the end, in pages. Xen's own heap takes whole pages for structures that are smaller than a page, and
 * gives a page back only when all of them are free; a domain that ends may leave one such page half full in each of few pools. A leak
 * in forkd or the guest is at least a page for each fork, and the tests make more forks than this.
 */
const XEN_HEAP_PAGES = 4;
const SETTLE_TIMEOUT_MS = 30_000;
const SETTLE_INTERVAL_MS = 1000;

/** A host at one moment. */
export interface HostState {
  readonly freePages: number;
  /** All the rest: one thing that exists a line. */
  readonly lines: readonly string[];
}

/** What guests write themselves, and folders of back ends, which the toolstack removes when it finds them empty. */
const BACKENDS = "^/local/domain/0/backend";
const OTHERS = ["^/tool", "^/local/domain/[0-9]*/data", `${BACKENDS}$`, `${BACKENDS}/[a-z]*$`];

/** Domains by name, every node of xenstore by path, network interfaces, who is on the bridge. */
const PARTS: Readonly<Record<string, string>> = {
  domain: "xl list | awk 'NR > 1 {print $1}'",
  node: `xenstore-ls -f / | sed 's/ = .*//' | grep -v ${OTHERS.map((path) => `-e '${path}'`).join(" ")}`,
  interface: "ls /sys/class/net",
  bridged: "ls /sys/class/net/xenbr0/brif",
};

/** What is counted: dom0's event channels; of a forkd its open files and its mappings of other domains. */
function counts(forkd: Forkd | undefined): Readonly<Record<string, string>> {
  const ofHost = { "event channel": "lsevtchn 0" };
  if (forkd === undefined) return ofHost;
  const files = `ls /proc/${forkd.pid}/fd`;
  return { ...ofHost, "file of forkd": files, "mapping of forkd": `grep privcmd /proc/${forkd.pid}/maps` };
}

/** The allocator's free lists: xl info rounds to MiB. */
const FREE_PAGES =
  "xl dmesg -c >/dev/null; xl debug-keys H; xl dmesg | awk '/heap.*pages/ {n += $(NF - 1)} END {print n}'";

/** The host now. */
export async function hostState(lab: Lab, forkd?: Forkd): Promise<HostState> {
  const listed = Object.entries(PARTS).map(([what, command]) => `(${command}) | sed 's|^|${what} |'`);
  const counted = Object.entries(counts(forkd)).map(([what, command]) => `(${command}) | sed 's|.*|${what}|'`);
  const [freePages, ...lines] = (await lab.run(`${FREE_PAGES}; ${[...listed, ...counted].join("; ")}`)).split("\n");
  return { freePages: Number(freePages), lines: lines.filter((line) => line !== "").map(withoutNumbers) };
}

function withoutNumbers(line: string): string {
  return line
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, "<uuid>")
    .replace(/(\/local\/domain|\/libxl|\/backend\/\w+)\/[1-9]\d*(?=\/|$)/g, "$1/<domain>")
    .replace(/(\/karyon\/families\/<uuid>)\/\d+/, "$1/<pid>")
    .replace(/^(\w+ vif)\d+/, "$1<domain>")
    .replace(/^(domain \S*-\d+)-\d+$/, "$1-<pid>");
}

/** hostState when it has come to rest: Xen frees for a while after a domain's end. To be taken as the state before. */
export async function restingHostState(lab: Lab, forkd?: Forkd): Promise<HostState> {
  const deadline = Date.now() + SETTLE_TIMEOUT_MS;
  for (let last: HostState | undefined; ;) {
    const state = await hostState(lab, forkd);
    const isSame = last?.freePages === state.freePages && differences(last, state).length === 0;
    if (isSame || Date.now() > deadline) return state;
    last = state;
    await sleep(SETTLE_INTERVAL_MS);
  }
}

/** What the host has more or less than `before`, once it has come to rest; nothing when nothing has leaked. */
export async function hostChanges(lab: Lab, before: HostState, forkd?: Forkd): Promise<string[]> {
  return settled(async () => {
    const now = await hostState(lab, forkd);
    const missing = before.freePages - now.freePages;
    return [...(Math.abs(missing) > XEN_HEAP_PAGES ? [`${missing} pages`] : []), ...differences(before, now)];
  });
}

/**
 * What there is more than `before`, once it has come to rest, while a family lives on: memory is not compared, for a family's
 * own use of it changes, and domains that stood ready may be missing.
 */
export async function hostAdditions(lab: Lab, before: HostState, forkd?: Forkd): Promise<string[]> {
  return settled(async () => differences(before, await hostState(lab, forkd)).filter((line) => line.startsWith("+")));
}

async function settled(look: () => Promise<string[]>): Promise<string[]> {
  const deadline = Date.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const found = await look();
    if (found.length === 0 || Date.now() > deadline) return found;
    await sleep(SETTLE_INTERVAL_MS);
  }
}

function differences(before: HostState, after: HostState): string[] {
  const balance = new Map<string, number>();
  for (const line of before.lines) balance.set(line, (balance.get(line) ?? 0) - 1);
  for (const line of after.lines) balance.set(line, (balance.get(line) ?? 0) + 1);
  const changed = [...balance].filter(([, count]) => count !== 0);
  return changed.map(([line, count]) => `${count > 0 ? "+" : "-"}${Math.abs(count)} ${line}`);
}
