// The asc stage: AssemblyScript to wasm, in process. The compiler sees one tree of virtual paths, whatever lies where:
//   kernel/…, libos/…    this repository
//   app/…                the app's folder, inside the repository or not
//   ~lib/karyon          libos/api, which an app imports as "karyon"
// Settings come from asconfig.json. Every file that was looked for is reported with its content's hash, so that the
// cache knows when the stage has to run again.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import type binaryen from "assemblyscript/binaryen";
import type { Transform } from "assemblyscript/transform";
import { KaryonError } from "../support/errors.ts";
import { contentHash } from "./cache.ts";
import { formatDiagnostics, type Diagnostic } from "./diagnostics.ts";
import { repositoryPath } from "./paths.ts";

/** A module to compile. */
export interface Compilation {
  /** Which settings of asconfig.json. */
  readonly target: "kernel" | "app";
  /** Virtual path of the entry file. */
  readonly entry: string;
  /** Text of virtual files that exist nowhere else, by virtual path. */
  readonly generated?: Readonly<Record<string, string>>;
  /** The folder that is `app/`. */
  readonly appFolder?: string;
}

/** A compiled module and what it was made of. */
export interface Compiled {
  readonly wasm: Uint8Array;
  /** Absolute path to content hash; `null` where the compiler looked and found nothing. */
  readonly inputs: ReadonlyMap<string, string | null>;
}

const APP_PREFIX = "app/";
const KARYON_LIBRARY = "~lib/karyon";
const KARYON_SOURCE = 'export * from "../libos/api/index";\n';

/**
 * Compiles `compilation`.
 *
 * @throws KaryonError COMPILE_FAILED with every error's TypeScript file, line and column
 */
export async function compileAssembly(compilation: Compilation): Promise<Compiled> {
  const { default: asc } = await import("assemblyscript/asc");
  const files = new SourceTree(compilation);
  const diagnostics: Diagnostic[] = [];
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      compilation.entry,
      "--config",
      "asconfig.json",
      "--target",
      compilation.target,
      "--outFile",
      "module.wasm",
      "--lib",
      "~lib",
    ],
    {
      stdout: asc.createMemoryStream(),
      stderr: asc.createMemoryStream(),
      readFile: (name, base) => files.read(name, base),
      writeFile: (_name, contents) => {
        if (typeof contents !== "string") wasm = contents;
      },
      listFiles: () => [],
      reportDiagnostic: (diagnostic) => diagnostics.push(diagnostic as Diagnostic),
      transforms: [exportLayout as Transform],
    },
  );
  if (error !== null || wasm === undefined) {
    const text = formatDiagnostics(diagnostics, (virtual) => files.locate(virtual));
    throw new KaryonError(
      "COMPILE_FAILED",
      text === "" ? `${error?.message ?? "no output"}\n${stderr.toString()}` : text,
    );
  }
  return { wasm, inputs: files.inputs };
}

// Exports what the image has to know of the module's memory layout, under names that no optimisation removes.
const exportLayout: Required<Pick<Transform, "afterCompile">> = {
  afterCompile(module: binaryen.Module) {
    for (const name of ["__heap_base", "__stack_pointer"]) {
      const global = `~lib/memory/${name}`;
      if (module.getGlobal(global) !== 0) module.addGlobalExport(global, name);
    }
  },
};

// What the compiler reads, by virtual path.
class SourceTree {
  readonly inputs = new Map<string, string | null>();

  constructor(private readonly compilation: Compilation) {}

  /** The file behind a virtual path; undefined if it can have none. */
  locate(virtual: string): string | undefined {
    if (virtual.startsWith(APP_PREFIX)) {
      const { appFolder } = this.compilation;
      return appFolder && path.join(appFolder, virtual.slice(APP_PREFIX.length));
    }
    return virtual.startsWith("..") || virtual.startsWith("~") ? undefined : repositoryPath(virtual);
  }

  async read(name: string, base: string): Promise<string | null> {
    const virtual = path.posix.join(base, name);
    if (virtual === `${KARYON_LIBRARY}.ts`) return KARYON_SOURCE;
    const generated = this.compilation.generated?.[virtual];
    if (generated !== undefined) return generated;
    const file = this.locate(virtual);
    if (file === undefined) return null;
    const text = await readFile(file, "utf8").catch(() => null);
    this.inputs.set(file, text === null ? null : contentHash(text));
    return text;
  }
}

/** The compiler's version, for cache keys. */
export function compilerVersion(): string {
  return (createRequire(import.meta.url)("assemblyscript/package.json") as { version: string }).version;
}
