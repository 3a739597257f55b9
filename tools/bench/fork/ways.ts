// The ways in which forkd makes a child (docs/fork.md), as its option --way names them.

export const WAYS = ["copy", "share", "pool"] as const;
export type Way = (typeof WAYS)[number];

/** What the tables call them. */
export const WAY_TITLES: Readonly<Record<Way, string>> = {
  copy: "copy",
  share: "copy-on-write",
  pool: "prepared child",
};

/** A way by the number that forkd writes into its stage times. */
export function wayOf(number: number | undefined): Way | undefined {
  return number === undefined ? undefined : WAYS[number - 1];
}
