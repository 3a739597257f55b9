// The figures of part "fork", beside what was asked for.
import type { Definition } from "../figures.ts";

/** MiB of the guests whose fork is timed. */
const FORK_MEMORIES = [8, 32, 128];

export const FORK_FIGURES: readonly Definition[] = [
  ...FORK_MEMORIES.map((memory): Definition => ({
    name: `fork-pool-${memory}`,
    title: `fork, prepared child, ${memory} MiB: first instruction, of xl create`,
    part: "fork",
    unit: "ratio",
    target: 1 / 300,
  })),
  {
    name: "fork-flat",
    title: "fork, prepared child: 128 MiB of 8 MiB",
    part: "fork",
    unit: "ratio",
    target: 1.5,
  },
  {
    name: "fork-calls",
    title: "fork, prepared child: hypercalls of forkd",
    part: "fork",
    unit: "calls",
    target: 5,
  },
  ...FORK_MEMORIES.map((memory): Definition => ({
    name: `fork-copy-${memory}`,
    title: `fork by copying, ${memory} MiB: first instruction, of xl create`,
    part: "fork",
    unit: "ratio",
    target: 1 / 20,
  })),
  {
    name: "fork-instructions-1",
    title: "fork, 1 MiB of heap: instructions on its CPU, of Linux's",
    part: "fork",
    unit: "ratio",
    target: 1 / 10,
  },
  {
    name: "fork-instructions-64",
    title: "fork, 64 MiB of heap: instructions on its CPU, of Linux's",
    part: "fork",
    unit: "ratio",
    target: 1 / 200,
  },
  { name: "fork-memory", title: "idle child of 16 MiB: memory of its own", part: "fork", unit: "MiB", target: 1 },
  { name: "fork-dom0", title: "idle child of 16 MiB: memory of dom0", part: "fork", unit: "kB", target: 270 },
  { name: "fork-density", title: "guests by xl create that fit, of children that fit", part: "fork", unit: "ratio" },
];
