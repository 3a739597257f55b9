// How large the stripped images are.
import { stat } from "node:fs/promises";
import type { Measurement } from "./figures.ts";
import { appImage } from "./images.ts";

/** Measures the size-* figures. */
export async function measureSizes(): Promise<ReadonlyMap<string, Measurement>> {
  const results = new Map<string, Measurement>();
  for (const name of ["hello", "httpd"]) {
    const { size } = await stat((await appImage(name)).elf);
    results.set(`size-${name}`, { value: size / 1000, raw: { bytes: size } });
  }
  return results;
}
