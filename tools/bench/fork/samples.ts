// What a run of test/apps/forkbench says on its consoles, as numbers; and how times are written.
import type { Spread } from "../spread.ts";

/** One fork. Times in ns after the parent called fork(); a time that was not told is undefined. */
export interface ForkSample {
  readonly pid: number;
  /** CLOCK_MONOTONIC of the family when fork() was called. */
  readonly called: number;
  /** fork() has returned in the parent, … */
  readonly parent: number;
  /** … and in the child. */
  readonly child: number;
  /** The child's network device is connected. */
  readonly network?: number;
  readonly stages?: Stages;
}

/** fork_stats() of the parent and of the child: see docs/fork.md. */
export interface Stages {
  readonly parent: readonly number[];
  readonly child: readonly number[];
}

interface Birth {
  readonly returned: number;
  readonly network?: number;
  readonly stages?: readonly number[];
}

const PARENT = /^parent (\d+) (\d+) (\d+)(?: stages ([\d ]+))?$/gm;
const CHILD = /^child (\d+) (\d+)(?: stages ([\d ]+))?$/m;
// A line of the kernel's log, whose times are in seconds.
const CONNECTED = /^\[ *(\d+\.\d+)\] net: connected /gm;

/**
 * The forks that the parent tells of, in their order. A fork whose child has not said when it was there is left out:
 * whoever asks compares the number.
 *
 * @param parent what the parent wrote since the forks were asked for
 * @param children what its children wrote, one text a child; those of other forks are passed over
 */
export function forkSamples(parent: string, children: readonly string[]): ForkSample[] {
  const births = new Map(children.flatMap(birth));
  return [...lines(parent).matchAll(PARENT)].flatMap((match) => {
    const [pid = 0, called = 0, returned = 0] = match.slice(1, 4).map(Number);
    const born = births.get(pid);
    if (born === undefined) return [];
    const stages = stageTimes(match[4]);
    return {
      pid,
      called,
      parent: returned - called,
      child: born.returned - called,
      ...(born.network === undefined ? {} : { network: born.network - called }),
      ...(stages === undefined || born.stages === undefined ? {} : { stages: { parent: stages, child: born.stages } }),
    };
  });
}

function birth(text: string): [number, Birth][] {
  const match = CHILD.exec(lines(text));
  if (match === null) return [];
  const stages = stageTimes(match[3]);
  const connected = [...lines(text).matchAll(CONNECTED)].at(-1);
  return [
    [
      Number(match[1]),
      {
        returned: Number(match[2]),
        ...(connected === undefined ? {} : { network: Math.round(Number(connected[1]) * 1e9) }),
        ...(stages === undefined ? {} : { stages }),
      },
    ],
  ];
}

function stageTimes(text: string | undefined): number[] | undefined {
  return text === undefined ? undefined : text.split(" ").map(Number);
}

// A console ends its lines with CR LF.
function lines(text: string): string {
  return text.replaceAll("\r", "");
}

/** A time in ns for people, with three digits: "1.23 ms". */
export function timeText(nanoseconds: number): string {
  const units = [
    [1e9, "s"],
    [1e6, "ms"],
    [1e3, "µs"],
  ] as const;
  const [size, unit] = units.find(([least]) => nanoseconds >= least) ?? ([1, "ns"] as const);
  const value = nanoseconds / size;
  return `${value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))} ${unit}`;
}

/** A spread of times for people: "1.23 ms (1.1–1.9)". */
export function spreadText({ median, least, most, count }: Spread): string {
  if (count === 0) return "–";
  const [value = "", unit = ""] = timeText(median).split(" ");
  const scale = median === 0 ? 1 : median / Number(value);
  const short = (time: number): string => {
    const scaled = time / scale;
    return scaled >= 100 ? scaled.toFixed(0) : String(Number(scaled.toPrecision(2)));
  };
  return `${value} ${unit} (${short(least)}–${short(most)})`;
}
