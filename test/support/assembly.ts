// Compiles AssemblyScript sources to wasm in this process, for tests under Node. A result is kept in build/cache under
// the hash of everything that was read, so an unchanged source is compiled once however many test files use it.
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const CACHE = join(ROOT, "build/cache/assembly");

/** How a harness is compiled; the defaults are the kernel's own settings. */
export interface AssemblyOptions {
  readonly runtime?: "stub" | "incremental" | "minimal";
  readonly memoryBase?: number;
  /** Initial memory in wasm pages of 64 KiB. */
  readonly initialPages?: number;
  readonly flags?: readonly string[];
  /** Modules imported by bare name, for example { karyon: "libos/api/index.ts" }; of a package that is there, also by a path, "karyon/fs". */
  readonly packages?: Readonly<Record<string, string>>;
}

interface CacheEntry {
  readonly sources: Readonly<Record<string, string>>;
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

async function readSource(file: string): Promise<string | null> {
  try {
    return await readFile(resolve(ROOT, file), "utf8");
  } catch {
    return null;
  }
}

async function isFresh(entry: CacheEntry): Promise<boolean> {
  for (const [file, hash] of Object.entries(entry.sources)) {
    const text = await readSource(file);
    if ((text === null ? "" : sha256(text)) !== hash) return false;
  }
  return true;
}

async function loadCached(key: string): Promise<Buffer | null> {
  try {
    const entry = JSON.parse(await readFile(join(CACHE, `${key}.json`), "utf8")) as CacheEntry;
    return (await isFresh(entry)) ? await readFile(join(CACHE, `${key}.wasm`)) : null;
  } catch {
    return null;
  }
}

async function store(key: string, sources: Record<string, string>, binary: Uint8Array): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  for (const [name, data] of [
    [`${key}.wasm`, binary],
    [`${key}.json`, JSON.stringify({ sources } satisfies CacheEntry)],
  ] as const) {
    const temporary = join(CACHE, `${name}.${process.pid}`);
    await writeFile(temporary, data);
    await rename(temporary, join(CACHE, name));
  }
}

function compilerArguments(entry: string, options: AssemblyOptions): string[] {
  return [
    entry,
    "-O2",
    "--noAssert",
    "--debug",
    "--exportTable",
    ...["--initialMemory", String(options.initialPages ?? 256)],
    ...["--enable", "threads"],
    ...["--runtime", options.runtime ?? "stub"],
    ...["--memoryBase", String(options.memoryBase ?? 1048576)],
    ...((options.runtime ?? "stub") === "stub" ? ["--use", "abort="] : []),
    ...(options.flags ?? []),
    ...["--outFile", "out.wasm"],
  ];
}

/**
 * asc looks for a bare module `name` under node_modules. The answer is one line that leads back to the repository's own
 * file, so that what that file imports beside itself is found too: `~lib/<name>/../..` is the compiler's base folder.
 */
function packageSource(file: string, packages: Readonly<Record<string, string>>): string | null {
  for (const [name, target] of Object.entries(packages)) {
    if (file.endsWith(`node_modules/${name}/package.json`)) return JSON.stringify({ name, ascMain: "index.ts" });
    if (file.endsWith(`node_modules/${name}/index.ts`))
      return `export * from "../../${target.replace(/\.ts$/, "")}";\n`;
    if (name.includes("/") && file.endsWith(`node_modules/${name}.ts`))
      return `export * from "${"../".repeat(name.split("/").length)}${target.replace(/\.ts$/, "")}";\n`;
  }
  return null;
}

/**
 * Compiles `entryPath` (relative to the repository or absolute) and everything it imports.
 * @throws Error with the compiler's messages when the source is wrong
 */
export async function compileAssembly(entryPath: string, options: AssemblyOptions = {}): Promise<WebAssembly.Module> {
  return WebAssembly.compile(new Uint8Array(await compileAssemblyBinary(entryPath, options)));
}

/** compileAssembly, but the binary itself. */
export async function compileAssemblyBinary(entryPath: string, options: AssemblyOptions = {}): Promise<Uint8Array> {
  const entry = isAbsolute(entryPath) ? relative(ROOT, entryPath) : entryPath;
  const args = compilerArguments(entry, options);
  const key = sha256(JSON.stringify([args, options.packages ?? {}])).slice(0, 24);
  const cached = await loadCached(key);
  if (cached !== null) return cached;

  // The compiler alone takes seconds of processor time to load.
  const { default: asc } = await import("assemblyscript/asc");
  const sources: Record<string, string> = {};
  let binary: Uint8Array | null = null;
  let messages = "";
  const result = await asc.main(args, {
    stdout: { write: () => undefined },
    stderr: { write: (chunk: string | Uint8Array) => void (messages += String(chunk)) },
    readFile: async (name: string) => {
      const mapped = packageSource(name, options.packages ?? {});
      if (mapped !== null) return mapped;
      const text = await readSource(name);
      sources[name] = text === null ? "" : sha256(text);
      return text;
    },
    writeFile: (name: string, contents: string | Uint8Array) => {
      if (name.endsWith(".wasm")) binary = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (result.error !== null || binary === null) throw new Error(`${entry} does not compile:\n${messages}`);
  await store(key, sources, binary);
  return binary;
}
