// What `npm run bench -- calls` does over and over on each side, and the figures that come of it.
import type { Side } from "../comparison.ts";

/** Something that a guest does on command (tools/peers/probes, test/apps/probes). */
export interface Probe {
  readonly name: string;
  /** How often, in two runs: their difference is free of what happens once. */
  readonly counts: readonly [few: number, many: number];
}

const CALL: Probe["counts"] = [2_000, 42_000];
const SWITCH: Probe["counts"] = [1_000, 5_000];

/** Those for which our guest is an app of its own (test/apps/probes/more.json). */
export const MORE_PROBES: readonly Probe[] = [
  { name: "open-close", counts: CALL },
  { name: "stat", counts: CALL },
  { name: "fstat", counts: CALL },
  { name: "poll", counts: SWITCH },
  { name: "poll-100", counts: SWITCH },
  { name: "epoll", counts: SWITCH },
  { name: "signal", counts: SWITCH },
  { name: "unix", counts: CALL },
];

/** Those that the other app does, or Linux's program besides. */
export const CALL_PROBES: Readonly<Record<Side, readonly Probe[]>> = {
  karyon: [
    { name: "getppid", counts: CALL },
    { name: "read", counts: CALL },
    { name: "write", counts: CALL },
    { name: "pipe", counts: CALL },
    { name: "ping-pong-threads", counts: SWITCH },
  ],
  linux: [
    { name: "getppid", counts: CALL },
    { name: "read", counts: CALL },
    { name: "write", counts: CALL },
    { name: "pipe", counts: CALL },
    { name: "ping-pong", counts: SWITCH },
    { name: "ping-pong-threads", counts: SWITCH },
  ],
};

/** Instructions of one `probe`. */
export type Costs = (probe: string) => number;

/** A figure made of what the probes of a side cost. */
export interface CallFigure {
  readonly name: string;
  readonly title: string;
  /** The most that ours may take of Linux's instructions. */
  readonly target?: number;
  readonly cost: Readonly<Record<Side, (costs: Costs) => number>>;
}

function same(probe: string): CallFigure["cost"] {
  const cost = (costs: Costs): number => costs(probe);
  return { karyon: cost, linux: cost };
}

/** What is left of a round trip's half without the byte that it moves, as lmbench's lat_ctx has it. */
function switchOnly(roundTrip: string): (costs: Costs) => number {
  return (costs) => costs(roundTrip) / 2 - costs("pipe");
}

const [THREADS, PROCESSES] = ["ping-pong-threads", "ping-pong"];

export const CALL_FIGURES: readonly CallFigure[] = [
  { name: "call-null", title: "null call (getppid)", target: 1 / 50, cost: same("getppid") },
  { name: "call-read", title: "read a byte of /dev/zero", target: 1 / 20, cost: same("read") },
  { name: "call-write", title: "write a byte to /dev/null", target: 1 / 20, cost: same("write") },
  { name: "call-pipe", title: "write a byte to a pipe and read it", cost: same("pipe") },
  {
    name: "call-ping-pong",
    title: "pipe ping-pong, threads (Linux: processes)",
    target: 1 / 20,
    cost: { karyon: (costs) => costs(THREADS), linux: (costs) => costs(PROCESSES) },
  },
  { name: "call-ping-pong-threads", title: "pipe ping-pong, threads", cost: same(THREADS) },
  {
    name: "call-switch",
    title: "context switch, threads (Linux: processes)",
    cost: { karyon: switchOnly(THREADS), linux: switchOnly(PROCESSES) },
  },
  { name: "call-open", title: "open and close /dev/zero", cost: same("open-close") },
  { name: "call-stat", title: "stat of /dev/zero", cost: same("stat") },
  { name: "call-fstat", title: "fstat", cost: same("fstat") },
  { name: "call-poll", title: "a byte through a pipe, with poll", target: 1 / 20, cost: same("poll") },
  { name: "call-poll-100", title: "a byte through a pipe, with poll of 100", cost: same("poll-100") },
  { name: "call-epoll", title: "a byte through a pipe, with epoll of 100", target: 1 / 20, cost: same("epoll") },
  { name: "call-signal", title: "a signal to oneself, caught", cost: same("signal") },
  { name: "call-unix", title: "a byte through a socketpair", cost: same("unix") },
];
