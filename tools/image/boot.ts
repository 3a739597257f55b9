// The sources in boot/: NASM, its includes, and the functions that kernel.h has.
import { readdir } from "node:fs/promises";
import path from "node:path";
import { KaryonError } from "../support/errors.ts";
import { repositoryPath } from "./paths.ts";

/** The imports that `header`, boot/kernel.h, implements: "x" as kernel_import_boot_x, directly or by its macros PLACE and ENTRY. */
export function headerImports(header: string): Set<string> {
  const names = [...header.matchAll(/\bkernel_import_boot_(\w+)\(|^(?:PLACE|ENTRY)\((\w+)\)/gm)];
  return new Set(names.map(([, direct, place]) => direct ?? place ?? ""));
}

/** The files of boot/ whose names end with `extension`. */
export async function bootFiles(extension: string): Promise<string[]> {
  const names = (await readdir(repositoryPath("boot"))).filter((name) => name.endsWith(extension)).sort();
  return names.map((name) => repositoryPath("boot", name));
}

/**
 * The assembly of boot/.
 *
 * @throws KaryonError IMAGE_NO_BOOT
 */
export async function bootSources(): Promise<string[]> {
  const sources = await bootFiles(".asm");
  if (sources.length === 0) throw new KaryonError("IMAGE_NO_BOOT", "there is no assembly in boot/");
  return sources;
}

/** What the object of an assembly file is called. */
export function objectName(source: string): string {
  return `${path.basename(source, ".asm")}.o`;
}
