// Reads the counters of a stack by name.
import { readFileSync } from "node:fs";
import type { Stack } from "./stack.ts";

const SOURCE = new URL("../../../libos/net/tcp/counters.ts", import.meta.url);
/** As libos/net/counters.ts numbers the groups. */
const GROUPS: Readonly<Record<string, number>> = { TcpCounters: 6, TcpExtendedCounters: 7 };

const NAMES = new Map<string, readonly [number, number]>(
  [...readFileSync(SOURCE, "utf8").matchAll(/^export class (\w+) \{\n(.*?)^\}/gms)].flatMap(
    ([, group = "", body = ""]) =>
      [...body.matchAll(/^ {2}(\w+): u64/gm)].map(
        ([, name = ""], index) => [name, [GROUPS[group] ?? -1, index]] as const,
      ),
  ),
);

/** All of TCP's counters that are not zero. */
export function tcpCounters(stack: Stack): Readonly<Record<string, number>> {
  const all = [...NAMES].map(([name, [group, index]]) => [name, stack.unsigned("counter", group, index)] as const);
  return Object.fromEntries(all.filter(([, value]) => value !== 0));
}

/** What `action` adds to them. */
export function countedBy(stack: Stack, action: () => void): Readonly<Record<string, number>> {
  const before = tcpCounters(stack);
  action();
  const after = Object.entries(tcpCounters(stack)).map(([name, value]) => [name, value - (before[name] ?? 0)] as const);
  return Object.fromEntries(after.filter(([, value]) => value !== 0));
}
