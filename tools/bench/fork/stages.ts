// Where the time of a fork goes: the stage times that guest and forkd leave in the fork descriptor (docs/fork.md), as
// the steps from the parent's call to the child's return.
import type { ForkSample } from "./samples.ts";

/** The steps, in their order but for the one before the last two. */
export const STEPS = [
  "xenstore comes to rest",
  "parent write-protected",
  "request written",
  "forkd admits it",
  "domain at hand",
  "pages copied",
  "entries patched",
  "child unpaused",
  "event and wake-up",
  "child reconnects",
  "child returns",
] as const;
export type Step = (typeof STEPS)[number];

// Indices of the descriptor's stage times.
const NOTIFIED = 3;
const FIRST_INSTRUCTION = 8;
const RECONNECTED = 9;
const RETURNED = 10;
const NETWORK = 11;
const ADMITTED = 16;
const UNPAUSED = 20;
const CALLS = 28;

/** forkd's hypercalls between request and answer. */
export function callCount({ stages }: ForkSample): number | undefined {
  return stages?.parent[CALLS];
}

/** ns from the call to the child's first instruction; to its return where no stage time tells. */
export function firstInstruction({ called, child, stages }: ForkSample): number {
  const time = stages?.child[FIRST_INSTRUCTION] ?? 0;
  return time === 0 ? child : time - called;
}

/** ns from the call until the child's network device is connected, and its address can be used. */
export function networkReady({ called, network, stages }: ForkSample): number | undefined {
  const time = stages?.child[NETWORK] ?? 0;
  return time === 0 ? network : time - called;
}

/** The ns each step took; undefined without stage times. */
export function stepTimes({ stages }: ForkSample): Readonly<Record<Step, number>> | undefined {
  if (stages === undefined) return undefined;
  const { parent, child } = stages;
  const guest = [0, 1, 2, NOTIFIED].map((index) => parent[index] ?? 0);
  // forkd's clock is its own: its durations count from when it saw the request.
  const daemon = Array.from({ length: UNPAUSED - ADMITTED + 1 }, (_, index) => parent[ADMITTED + index] ?? 0);
  const births = [FIRST_INSTRUCTION, RECONNECTED, RETURNED].map((index) => child[index] ?? 0);
  const [first = 0] = births;
  // The way to forkd and the start of the child's vCPU: how they divide neither clock can tell.
  const between = Math.max(0, first - (guest.at(-1) ?? 0) - (daemon.at(-1) ?? 0));
  const times = [...differences(guest), ...differences([0, ...daemon]), between, ...differences(births)];
  return Object.fromEntries(STEPS.map((step, index) => [step, times[index] ?? 0])) as Record<Step, number>;
}

/** What each number is more than the one before; a stage that was passed over (0) takes no time. */
function differences(times: readonly number[]): number[] {
  let reached = times[0] ?? 0;
  return times.slice(1).map((time) => {
    const took = Math.max(0, time - reached);
    reached = Math.max(reached, time);
    return took;
  });
}
