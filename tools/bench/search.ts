// Binary search over something that takes time to try.

/**
 * The least whole number from `low` to `high` for which `holds`, which must hold for all greater ones too; undefined
 * when it does not even hold for `high`.
 */
export async function leastThat(
  low: number,
  high: number,
  holds: (candidate: number) => Promise<boolean>,
): Promise<number | undefined> {
  if (!(await holds(high))) return undefined;
  let [below, least] = [low - 1, high];
  while (least - below > 1) {
    const middle = Math.floor((below + least) / 2);
    if (await holds(middle)) least = middle;
    else below = middle;
  }
  return least;
}
