// Settings that come from the environment and are one word of a few (KARYON_HOST, KARYON_TOOLS …).
import { KaryonError } from "./errors.ts";

/**
 * What the environment has under `name`, which must be one of `words`; the first of them when it has nothing.
 *
 * @throws KaryonError BAD_SETTING
 */
export function setting<T extends string>(
  name: string,
  words: readonly [T, ...T[]],
  environment: NodeJS.ProcessEnv = process.env,
): T {
  const value = environment[name] ?? words[0];
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  const choice = `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  throw new KaryonError("BAD_SETTING", `${name}=${value}`, `use ${choice}`);
}
