// Whatever of wasm2c's output is not understood (translate.ts) is an error.
import { KaryonError } from "../support/errors.ts";

export function expectMatch(text: string, pattern: RegExp): RegExpExecArray {
  const match = pattern.exec(text);
  if (match === null) throw unexpected(`nothing like ${pattern.source}`);
  return match;
}

export function expectItem<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw unexpected(`index ${index} of ${items.length}`);
  return item;
}

export function unexpected(what: string): KaryonError {
  return new KaryonError("IMAGE_TRANSLATE", `wasm2c's output is not understood: ${what}`);
}
