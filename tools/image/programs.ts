// An image of several programs (`"programs"` in the manifest): a unit of C for each module (glue.ts, programUnit), and this one, which knows
// them all: it gives the kernel the one that runs as "the app", and the others by their numbers. Program 0 is the manifest's entry.
// Each is in the image's files as /bin/<name>, where execve finds its number.
import { KaryonError } from "../support/errors.ts";
import type { EmbeddedFile } from "./files.ts";
import { lowestAddress, programName } from "./glue.ts";
import { hookFunctions, type Asked, type KernelHooks } from "./hooks.ts";
import type { Manifest } from "./manifest.ts";
import type { KernelExports } from "./signature.ts";
import type { ImportedFunction } from "./translate.ts";

const FOLDER = "/bin";

/** A program of an image. */
export interface Program {
  readonly name: string;
  /** Its source, from the app's folder. */
  readonly entry: string;
}

/** What is known of a translated program. */
export interface ProgramModule {
  readonly imports: readonly ImportedFunction[];
  /** Wasm pages with which it begins, and up to which it may grow. */
  readonly initialPages: number;
  readonly maximumPages: number;
}

/** The programs of an image: the entry, and the others in the order of their names. */
export function programsOf({ name, entry, programs }: Pick<Manifest, "name" | "entry" | "programs">): Program[] {
  const others = Object.entries(programs).sort(([a], [b]) => (a < b ? -1 : 1));
  return [{ name, entry }, ...others.map(([other, file]) => ({ name: other, entry: file }))];
}

/** What the C symbols of program `number` begin with. */
export function programUnitName(number: number): string {
  return `program${number}`;
}

/**
 * The image's files with its programs among them, if there are several.
 *
 * @throws KaryonError PROGRAM_NAME_TAKEN
 */
export function filesWithPrograms(files: readonly EmbeddedFile[], programs: readonly Program[]): EmbeddedFile[] {
  if (programs.length < 2) return [...files];
  const taken = new Set(files.map((file) => file.path));
  const added = programs.map(({ name }, number) => {
    const path = `${FOLDER}/${name}`;
    if (taken.has(path) || taken.has(FOLDER)) {
      const mend = "give the file or the program another name";
      throw new KaryonError("PROGRAM_NAME_TAKEN", `the image's files have ${path} already, where a program is`, mend);
    }
    return { path, data: Buffer.from(`Karyon program ${name}\n`), modified: 0n, program: number + 1 };
  });
  return [...files, ...added];
}

/** The C unit that stands for the app in an image of several programs. */
export function programsUnit(
  modules: readonly ProgramModule[],
  kernel: KernelExports,
  hooks: KernelHooks,
  { name, features }: Asked,
): string {
  const units = modules.map((module, number) => ({ ...module, unit: programUnitName(number) }));
  const imports = modules.flatMap((module) => module.imports);
  return [
    '#include "boot/programs.h"',
    ...units.map(({ unit }) => `DECLARE_PROGRAM(${unit})`),
    "static const struct program programs[] = {",
    ...units.map(({ unit, initialPages }) => `  PROGRAM(${unit}, ${initialPages}),`),
    "};",
    `const u32 app_maximumPages = ${Math.max(...modules.map(({ maximumPages }) => maximumPages))};`,
    lowestAddress(false),
    `DEFINE_APP(programs, ${modules[0]?.initialPages ?? 0})`,
    ...programName(name, imports),
    ...hookFunctions(hooks, imports, kernel, { features }),
    "",
  ].join("\n");
}
