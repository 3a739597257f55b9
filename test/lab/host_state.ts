// What a leak changes in a Xen host: taken before and after, and compared so that a failure names what is left.
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Lab } from "../../tools/lab/lab.ts";
import type { Forkd } from "./forkd_support.ts";
import type { Guest } from "./support.ts";

/** What Xen's own heap may keep of the many domains that there were at once. */
const XEN_HEAP_PAGES = 4;
const SETTLE_TIMEOUT_MS = 30_000;
const SETTLE_INTERVAL_MS = 1000;

/** What hostState looks at beside the host as such. */
export interface HostStateOptions {
  /** Guests that live on: what they have written themselves below data/ is left out. */
  readonly guests?: readonly Guest[];
  /** A forkd whose descriptors and mappings count. */
  readonly forkd?: Forkd;
}

/** A host at one moment. */
export interface HostState {
  readonly freePages: number;
  /** All the rest, in words. */
  readonly text: string;
}

/**
 * Free pages, domains, the xenstore tree, network interfaces, dom0's event channels; of a forkd its open files and its
 * mappings of other domains.
 */
export async function hostState(lab: Lab, { guests = [], forkd }: HostStateOptions = {}): Promise<HostState> {
  const ids = await Promise.all(guests.map(({ name }) => lab.run(`xl domid ${name}`)));
  const without = ["^/tool", ...ids.map((id) => `^/local/domain/${id.trim()}/data`)].map((path) => `-e '${path}'`);
  const parts: Record<string, string> = {
    domains: "xl list | awk '{print $1, $2, $3}'",
    xenstore: `xenstore-ls -f / | grep -v ${without.join(" ")}`,
    interfaces: "ls /sys/class/net; ls /sys/class/net/xenbr0/brif",
    "event channels": "lsevtchn 0 | wc -l",
  };
  if (forkd !== undefined) {
    parts["forkd's files"] = `ls /proc/${forkd.pid}/fd | wc -l`;
    parts["forkd's foreign mappings"] = `grep -c privcmd /proc/${forkd.pid}/maps; true`;
  }
  const commands = Object.entries(parts).map(([name, command]) => `echo "== ${name}"; ${command}`);
  // The allocator's free lists: xl info rounds to MiB.
  const free = "xl dmesg -c >/dev/null; xl debug-keys H; xl dmesg | awk '/heap.*pages/ {n += $(NF - 1)} END {print n}'";
  const [freePages, ...lines] = (await lab.run(`${free}; ${commands.join("; ")}`)).split("\n");
  return { freePages: Number(freePages), text: lines.join("\n") };
}

/** hostState when it has come to rest: Xen frees for a while after a domain's end. To be taken as the state before. */
export async function restingHostState(lab: Lab, options: HostStateOptions = {}): Promise<HostState> {
  const deadline = Date.now() + SETTLE_TIMEOUT_MS;
  for (let last: HostState | undefined; ;) {
    const state = await hostState(lab, options);
    if ((last !== undefined && isDeepStrictEqual(state, last)) || Date.now() > deadline) return state;
    last = state;
    await sleep(SETTLE_INTERVAL_MS);
  }
}

/** What the host has more or less than `before`, once it has come to rest; nothing when nothing has leaked. */
export async function hostChanges(lab: Lab, before: HostState, options: HostStateOptions = {}): Promise<string[]> {
  const deadline = Date.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const changes = differences(before, await hostState(lab, options));
    if (changes.length === 0 || Date.now() > deadline) return changes;
    await sleep(SETTLE_INTERVAL_MS);
  }
}

function differences(before: HostState, after: HostState): string[] {
  const [old, now] = [before.text.split("\n"), after.text.split("\n")];
  const missing = before.freePages - after.freePages;
  return [
    ...(Math.abs(missing) > XEN_HEAP_PAGES ? [`${missing} pages`] : []),
    ...old.filter((line) => !now.includes(line)).map((line) => `-${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+${line}`),
  ];
}
