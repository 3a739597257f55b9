// One figure of ours set beside a peer's: both measured in turns, so that whatever disturbs the machine for a while disturbs both.
import { countText, type Measurement } from "./figures.ts";
import { spread } from "./spread.ts";

/** What is compared: ours first. */
export type Side = "karyon" | "linux";
export const SIDES: readonly Side[] = ["karyon", "linux"];

/** Instructions of each side, one number a repetition. */
export type Repetitions = Readonly<Record<Side, readonly number[]>>;

/** The ratio of the medians, and how far the repetitions let it range. Neither side may be empty. */
export function compared(repetitions: Repetitions, raw: Measurement["raw"] = {}): Measurement {
  const [ours, theirs] = [spread(repetitions.karyon), spread(repetitions.linux)];
  return {
    value: ours.median / theirs.median,
    range: [ours.least / theirs.most, ours.most / theirs.least],
    made: `${countText(ours.median)} of ${countText(theirs.median)}`,
    raw: { ...repetitions, ...raw },
  };
}
