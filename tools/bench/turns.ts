// Karyon and its peer measured in turns, each in guests of its own: whatever disturbs the machine for a while, or belongs to one boot,
// disturbs both and shows in the range.
import { startProgress, type Progress } from "../debian/progress.ts";
import { describeError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { compared, SIDES, SIDE_TITLES, type Repetitions, type Side } from "./comparison.ts";
import type { Measurement, Results } from "./figures.ts";

/** One experiment that both sides go through. */
export interface Trial<Guest> {
  readonly title: string;
  /** The figures that it gives values for. */
  readonly figures: readonly string[];
  /** Does it once: a value for each of the figures, less is better. */
  measure(guest: Guest): Promise<Readonly<Record<string, number>>>;
}

/** What is measured how often. */
export interface Turns<Guest extends AsyncDisposable> {
  readonly title: string;
  readonly boot: (side: Side) => Promise<Guest>;
  readonly trials: readonly Trial<Guest>[];
  /** Boots of each side, … */
  readonly rounds: number;
  /** … and repetitions of each trial in each. */
  readonly repetitions: number;
  /** A value for people. */
  readonly text: (value: number) => string;
}

type Values = Record<Side, number[]>;

/** Measures all trials; a figure of which one side failed is that side's error, since there is no ratio without both. */
export async function inTurns<Guest extends AsyncDisposable>(turns: Turns<Guest>): Promise<Results> {
  const values = new Map<string, Values>();
  const failed = new Map<string, Error>();
  for (const name of turns.trials.flatMap(({ figures }) => figures)) values.set(name, { karyon: [], linux: [] });
  for (let round = 1; round <= turns.rounds; round++) {
    for (const side of SIDES) {
      const progress = startProgress(`${turns.title}: ${SIDE_TITLES[side]}, round ${round} of ${turns.rounds}`);
      await measureSide(turns, side, { values, failed, progress });
      progress.done();
    }
  }
  const result = (name: string, sides: Repetitions): Measurement | Error =>
    failed.get(name) ?? compared(sides, turns.text);
  return new Map([...values].map(([name, sides]) => [name, result(name, sides)]));
}

interface Found {
  readonly values: ReadonlyMap<string, Values>;
  readonly failed: Map<string, Error>;
  readonly progress: Progress;
}

async function measureSide<Guest extends AsyncDisposable>(
  { boot, trials, repetitions, text }: Turns<Guest>,
  side: Side,
  { values, failed, progress }: Found,
): Promise<void> {
  await using guest = await boot(side);
  for (const { title, figures, measure } of trials) {
    progress.update(title);
    try {
      for (let i = 0; i < repetitions; i++) {
        const found = await measure(guest);
        for (const name of figures) values.get(name)?.[side].push(found[name] ?? NaN);
      }
      const last = figures.map((name) => text(values.get(name)?.[side].at(-1) ?? NaN));
      logger.info(`${SIDE_TITLES[side]}: ${title}: ${last.join(", ")}`);
    } catch (error) {
      logger.error(`${SIDE_TITLES[side]}: ${describeError(error)}`);
      for (const name of figures) failed.set(name, error instanceof Error ? error : new Error(String(error)));
    }
  }
}
