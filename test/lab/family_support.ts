// Runs cases of test/apps/family under a forkd and checks what every member of the family has printed.
import assert from "node:assert/strict";
import type { Forkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, boot, type BootOptions, type Guest } from "./support.ts";

const APP = "test/apps/family";
const ALONE_TIMEOUT_MS = 60_000;
const SHOWN = 4000;
const END = "==== the next console";
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"'];

/** A way for forkd to fork; each must pass the same tests. */
export interface Way {
  readonly name: string;
  /** Arguments to `forkd run`. */
  readonly args: readonly string[];
  /** Forks one after another that take a bearable time. */
  readonly rounds: number;
  /** Forks with random activity in between; their children fork, too. */
  readonly stale: number;
}

/** FORK_ROUNDS=all: as many forks as shall be tried; for which nobody waits in CI. */
export const ALL_ROUNDS = process.env["FORK_ROUNDS"] === "all";

/** The ways there are. */
export const WAYS: readonly Way[] = [
  { name: "copy", args: ["--way", "copy"], rounds: ALL_ROUNDS ? 15 : 5, stale: ALL_ROUNDS ? 6 : 4 },
  { name: "share", args: ["--way", "share"], rounds: ALL_ROUNDS ? 15 : 5, stale: ALL_ROUNDS ? 6 : 4 },
  { name: "pool", args: ["--way", "pool"], rounds: ALL_ROUNDS ? 40 : 12, stale: ALL_ROUNDS ? 8 : 6 },
];

/** Options of bootFamily. */
export interface FamilyOptions {
  /** Most members besides the first. */
  readonly children?: number;
  readonly network?: boolean;
}

/** Boots the family app with the cases of `argument`, such as "deep wide=20". */
export function bootFamily(forkd: Forkd, cases: string, options: FamilyOptions = {}): Promise<Guest> {
  const { children = 24, network = false } = options;
  const boots: BootOptions = {
    commandLine: `${network ? "ip=dhcp" : "ip=off"} fork=${children} -- ${cases}`,
    extra: network ? [...STAY, 'vif = ["bridge=xenbr0"]'] : STAY,
  };
  return boot(forkd.lab, APP, boots);
}

/** The consoles of a family's members, the first one's first. */
export async function familyConsoles(guest: Guest): Promise<string[]> {
  const logs = `/var/log/xen/console/guest-${guest.name}`;
  const print = `for f in ${logs}.log $(ls ${logs}-*.log 2>/dev/null | sort -V); do echo "${END}"; cat "$f"; done`;
  const [, ...consoles] = (await guest.lab.run(print)).split(`${END}\n`);
  return consoles.filter((text) => text !== "");
}

/** Waits until a family has no member but the first; domains that stand ready for later forks are paused. */
export async function familyAlone({ lab, name }: Guest): Promise<void> {
  const others = `xl list | grep -v -e --p--- | grep -q '^${name}-'`;
  await lab.run(`while ${others}; do sleep 1; done`, { timeoutMs: ALONE_TIMEOUT_MS });
}

/** Checks that the cases have passed in every process of the family, once it has ended. */
export async function familyPassed(forkd: Forkd, guest: Guest, timeoutMs: number): Promise<string[]> {
  try {
    await guest.console.waitFor(/family: (?:all passed|\d+ failed)/, timeoutMs);
    await familyAlone(guest);
    const consoles = await familyConsoles(guest);
    assert.deepEqual(
      consoles.flatMap((text) => text.match(/^.*(?:FAILED|panic|Assertion).*$/gm) ?? []),
      [],
    );
    assert.match(guest.console.text, /family: all passed/);
    return consoles.filter((text) => text !== "");
  } catch (error) {
    const texts = [guest.console.text, forkd.output.text].map((text) => text.slice(-SHOWN));
    throw new Error(texts.join("\n--- forkd\n"), { cause: error });
  }
}

/** Boots a family with `cases`, waits for their end, and gives the consoles of all members. */
export async function runFamily(
  forkd: Forkd,
  cases: string,
  options: FamilyOptions & { readonly timeoutMs?: number } = {},
): Promise<string[]> {
  await using guest = await bootFamily(forkd, cases, options);
  return await familyPassed(forkd, guest, BOOT_TIMEOUT_MS + (options.timeoutMs ?? 120_000));
}
