// The asc stage: AssemblyScript to wasm, in process. The compiler sees one tree of virtual paths, whatever lies where:
//   kernel/…, libos/…    this repository
//   app/…                the app's folder, inside the repository or not
//   ~lib/karyon          libos/api, which an app imports as "karyon"
//   ~lib/karyon/<name>   libos/api/modules/<name>, which it imports as "karyon/<name>"
// Settings come from asconfig.json. Every file that was looked for is reported with its content's hash, so that the
// cache knows when the stage has to run again.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { KaryonError } from "../support/errors.ts";
import { contentHash } from "./cache.ts";
import type { Compiler } from "./compiler.ts";
import { formatDiagnostics, type SourceLocator } from "./diagnostics.ts";
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
const KARYON_MODULES = "libos/api/modules";

/**
 * Compiles `compilation`.
 *
 * @throws KaryonError COMPILE_FAILED with every error's TypeScript file, line and column
 */
export async function compileAssembly(compiler: Compiler, compilation: Compilation): Promise<Compiled> {
  const files = new SourceTree(compilation);
  const argv = [compilation.entry, "--config", "asconfig.json", "--target", compilation.target, "--lib", "~lib"];
  const { wasm, diagnostics, message } = await compiler.compile(argv, (name, base) => files.read(name, base));
  if (wasm !== null) return { wasm, inputs: files.inputs };
  const text = await formatDiagnostics(diagnostics, files);
  throw new KaryonError("COMPILE_FAILED", text === "" ? message : text);
}

// What the compiler reads, by virtual path.
class SourceTree implements SourceLocator {
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

  async read(name: string, base = ""): Promise<string | null> {
    const virtual = path.posix.join(base, name);
    if (virtual === `${KARYON_LIBRARY}.ts`) return KARYON_SOURCE;
    const generated = this.compilation.generated?.[virtual];
    if (generated !== undefined) return generated;
    if (virtual.startsWith(`${KARYON_LIBRARY}/`)) return this.readModule(virtual);
    const file = this.locate(virtual);
    return file === undefined ? null : this.readText(file);
  }

  /** A module "karyon/<name>": all that its index has, if there is one. */
  private async readModule(virtual: string): Promise<string | null> {
    const name = virtual.slice(KARYON_LIBRARY.length + 1, -".ts".length);
    const index = `${KARYON_MODULES}/${name}/index`;
    const upward = path.posix.relative(path.posix.dirname(virtual), index);
    return (await this.readText(repositoryPath(`${index}.ts`))) === null ? null : `export * from "${upward}";\n`;
  }

  private async readText(file: string): Promise<string | null> {
    const text = await readFile(file, "utf8").catch(() => null);
    this.inputs.set(file, text === null ? null : contentHash(text));
    return text;
  }
}

/** The compiler's version, for cache keys. */
export function compilerVersion(): string {
  return (createRequire(import.meta.url)("assemblyscript/package.json") as { version: string }).version;
}
