// One figure of ours set beside a peer's.
import { countText, type Measurement } from "./figures.ts";
import { spread } from "./spread.ts";

/** What is compared: ours first. */
export type Side = "karyon" | "linux";
export const SIDES: readonly Side[] = ["karyon", "linux"];
export const SIDE_TITLES: Readonly<Record<Side, string>> = { karyon: "Karyon", linux: "Linux" };

/** The values of each side, one a repetition. */
export type Repetitions = Readonly<Record<Side, readonly number[]>>;

/**
 * The ratio of the medians, and how far the repetitions let it range. Neither side may be empty.
 *
 * @param text a value of one side for people
 */
export function compared(sides: Repetitions, text: (value: number) => string = countText): Measurement {
  const [ours, theirs] = [spread(sides.karyon), spread(sides.linux)];
  return {
    value: ours.median / theirs.median,
    range: [ours.least / theirs.most, ours.most / theirs.least],
    made: `${text(ours.median)} of ${text(theirs.median)}`,
    sides,
  };
}
