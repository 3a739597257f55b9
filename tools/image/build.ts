// From an app's folder to a bootable image: the stages in order, each behind the cache.
//   asc → binaryen → wasm2c → translate → gcc, once for kernel and libos (shared by all apps of the same aim) and once for the app;
//   nasm for boot/; ld twice, because the table of function names needs the addresses of a first link; strip.
import { copyFile, mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { KaryonError } from "../support/errors.ts";
import { compileAssembly, compilerVersion, type Compilation } from "./assembly.ts";
import { StageCache } from "./cache.ts";
import { Compiler } from "./compiler.ts";
import { domainConfig } from "./config.ts";
import { makeVolumes } from "./disks.ts";
import { collectFiles, filesBlob } from "./files.ts";
import {
  type AskedFeatures,
  appUnit,
  kernelHooks,
  kernelUnit,
  usesNetwork,
  type KernelExports,
  type KernelHooks,
} from "./glue.ts";
import { readApp, type Manifest } from "./manifest.ts";
import {
  type Aim,
  assemble,
  compileC,
  embed,
  functionAddresses,
  globalNames,
  link,
  nativeKey,
  strip,
} from "./native.ts";
import { repositoryPath } from "./paths.ts";
import { sourceNames, symbolTable, type SourceNames } from "./symbols.ts";
import { translateModule, type ModuleName } from "./translate.ts";
import { readModule } from "./wasm.ts";
import { runWasm2c, wasm2cVersion } from "./wasm2c.ts";

/** How to build. */
export interface BuildOptions {
  /** Where the results go; default build/<name> in the repository. */
  readonly output?: string;
  /** Told of each stage as it begins. */
  readonly progress?: (stage: string) => void;
}

/** The files of a built image, absolute. */
export interface Image {
  readonly manifest: Manifest;
  /** What boots. */
  readonly elf: string;
  /** The same with symbols, for a debugger. */
  readonly symbols: string;
  /** For xl create. */
  readonly cfg: string;
}

/** A compiled module: an object file and what the other stages need to know of it. */
interface Unit {
  readonly object: string;
  readonly exports: KernelExports;
  readonly hooks: KernelHooks;
  readonly names: SourceNames;
}

/** What an app's unit is made to fit. */
interface Seam {
  readonly kernel: Promise<Unit>;
  readonly asked: AskedFeatures;
}

/**
 * Builds an app.
 *
 * @param app its folder, or one of the manifests in it (apps/httpd/prefork.json)
 * @throws KaryonError for everything that is wrong with the app, its manifest or the tools
 */
export async function buildImage(app: string, options: BuildOptions = {}): Promise<Image> {
  const progress = options.progress ?? (() => undefined);
  const { folder, manifest } = await readApp(app);
  const output = path.resolve(options.output ?? repositoryPath("build", manifest.name));
  const cfg = path.join(output, `${manifest.name}.cfg`);
  const elf = path.join(output, `${manifest.name}.elf`);
  const config = domainConfig(manifest, elf);
  const cache = new StageCache(repositoryPath("build/cache"));
  const linked = await new Stages(cache, progress).image(folder, manifest);

  await mkdir(output, { recursive: true });
  const symbols = path.join(output, `${manifest.name}.symbols.elf`);
  await Promise.all([
    replaceFile(path.join(linked, "image.elf"), elf),
    replaceFile(path.join(linked, "image.symbols.elf"), symbols),
    writeFile(cfg, config),
    makeVolumes(manifest, elf),
  ]);
  await cache.prune(Date.now());
  return { manifest, elf, symbols, cfg };
}

// The compiler lays down __heap_base, the end of the static data, only where something mentions it.
/** The kernel of images that have a network, and of those that have none; with what the manifest adds. */
function kernelCompilation(networked: boolean, { proc, disks }: Manifest): Compilation {
  const lines = [
    `export * from "./libos/${networked ? "main_network" : "main"}";`,
    ...(proc ? ['export * from "./libos/main_proc";'] : []),
    ...(Object.keys(disks).length === 0 ? [] : ['export * from "./libos/main_disk";']),
    "export function staticDataEnd(): usize {",
    "  return __heap_base;",
    "}",
    "",
  ];
  return { target: "kernel", entry: "kernel.ts", generated: { "kernel.ts": lines.join("\n") } };
}

/** The features of the kernel (glue.ts) that an image has because of its manifest. */
function askedFeatures({ tmpfs, proc, disks }: Manifest): string[] {
  const features = { tmpfs: Object.keys(tmpfs).length > 0, proc, disk: Object.keys(disks).length > 0 };
  return Object.entries(features).flatMap(([name, asked]) => (asked ? [name] : []));
}

function appCompilation(appFolder: string, manifest: Manifest): Compilation {
  const entry = manifest.entry.replace(/\.ts$/, "");
  return {
    target: "app",
    entry: "start.ts",
    appFolder,
    generated: {
      "start.ts": [
        `import { main } from "./app/${entry}";`,
        'import { startArguments } from "karyon";',
        "export function _start(): i32 {",
        "  return main(startArguments());",
        "}",
        'export { signalHandler as _signal_handler, threadStart as _thread_start } from "karyon";',
        "",
      ].join("\n"),
    },
  };
}

class Stages {
  private readonly compiler = new Compiler();

  constructor(
    private readonly cache: StageCache,
    private readonly progress: (stage: string) => void,
  ) {}

  /** All stages; a folder with image.elf and image.symbols.elf. */
  async image(appFolder: string, manifest: Manifest): Promise<string> {
    try {
      const networked = manifest.network !== false;
      // What is small stays small; what serves a network executes much of the kernel for every packet.
      const fast = (manifest.optimize ?? (networked ? "speed" : "size")) === "speed";
      const appWasm = this.compile("app", appCompilation(appFolder, manifest));
      const kernelWasm = this.kernel(networked, manifest, appWasm);
      const kernel = this.unit("kernel", kernelWasm, fast ? "speed" : "size");
      const app = this.unit("app", appWasm, fast ? "speed" : (manifest.optimize ?? "balance"), {
        kernel,
        asked: askedFeatures(manifest),
      });
      const [boot, files, ...units] = await Promise.all([
        this.boot(),
        manifest.files === undefined ? [] : collectFiles(path.join(appFolder, manifest.files)),
        kernel,
        app,
      ]);
      const names = Object.assign({}, ...units.map((unit) => unit.names)) as SourceNames;
      return await this.link([...boot, ...units.map((unit) => unit.object)], filesBlob(files), names);
    } finally {
      await this.compiler.close();
    }
  }

  /** The kernel's module: with a network when the manifest asks for one, or else when the app turns out to use it. */
  private async kernel(networked: boolean, manifest: Manifest, appWasm: Promise<string>): Promise<string> {
    return this.compile(
      "kernel",
      kernelCompilation(networked || (await usesNetwork(await readFile(await appWasm))), manifest),
    );
  }

  /** One module from WebAssembly to an object file. */
  private async unit(name: ModuleName, wasm: Promise<string>, aim: Aim, seam?: Seam): Promise<Unit> {
    const folder = await this.translate(name, await wasm, await seam?.kernel, seam?.asked);
    const { exports, hooks, names } = JSON.parse(await readFile(path.join(folder, "unit.json"), "utf8")) as Omit<
      Unit,
      "object"
    >;
    return { object: await this.compileUnit(name, path.join(folder, "unit.c"), aim), exports, hooks, names };
  }

  private async compile(name: ModuleName, compilation: Compilation): Promise<string> {
    const key = [compilerVersion(), JSON.stringify(compilation), await readText("asconfig.json"), await toolsKey()];
    const folder = await this.cache.discoveringStage(`${name}-asc`, key, async (work) => {
      this.progress(`${name}: asc`);
      const { wasm, inputs } = await compileAssembly(this.compiler, compilation);
      this.progress(`${name}: binaryen`);
      await writeFile(path.join(work, "module.wasm"), await this.compiler.admit(`${name}.wasm`, wasm));
      return inputs;
    });
    return path.join(folder, "module.wasm");
  }

  private async translate(name: ModuleName, wasmFile: string, kernel?: Unit, asked?: AskedFeatures): Promise<string> {
    const wasm = await readFile(wasmFile);
    const boot = await bootSources();
    const header = await readText("boot/kernel.h");
    const assembly = await globalNames(boot);
    const seam = JSON.stringify([kernel?.exports, kernel?.hooks, asked]);
    const key = [wasm, wasm2cVersion(), await toolsKey(), header, [...assembly].join(), seam];
    return this.cache.stage(`${name}-c`, key, async (work) => {
      this.progress(`${name}: wasm2c`);
      const copy = path.join(work, "module.wasm");
      await writeFile(copy, wasm);
      const module = readModule(`${name}.wasm`, wasm);
      const translation = translateModule(name, await runWasm2c(copy, name), module);
      const unit =
        kernel === undefined
          ? kernelUnit(translation, module, { header: headerImports(header), assembly })
          : appUnit(translation, module, kernel.exports, kernel.hooks, asked);
      const exports: KernelExports = Object.fromEntries(
        [...translation.exports].map(([key, { result, parameters }]) => [key, { result, parameters }]),
      );
      await writeFile(path.join(work, "unit.c"), unit);
      await writeFile(
        path.join(work, "unit.json"),
        JSON.stringify({
          exports,
          hooks: kernelHooks(translation),
          names: sourceNames(name, translation.functions),
        }),
      );
    });
  }

  private async compileUnit(name: ModuleName, source: string, aim: Aim): Promise<string> {
    const headers = await Promise.all(
      ["runtime.h", "memory.h", "kernel.h", "app.h"].map((file) => readText(`boot/${file}`)),
    );
    const key = [await readFile(source), ...headers, aim, await nativeKey("gcc")];
    const folder = await this.cache.stage(`${name}-o`, key, async (work) => {
      this.progress(`${name}: gcc`);
      await compileC(source, path.join(work, "unit.o"), aim);
    });
    return path.join(folder, "unit.o");
  }

  /** The objects of boot/*.asm. */
  private async boot(): Promise<string[]> {
    const sources = await bootSources();
    const includes = await Promise.all((await bootFiles(".inc")).map((file) => readFile(file)));
    const texts = await Promise.all(sources.map((file) => readFile(file)));
    const folder = await this.cache.stage("boot", [...texts, ...includes, await nativeKey("nasm")], async (work) => {
      this.progress("boot: nasm");
      await Promise.all(sources.map((source) => assemble(source, path.join(work, objectName(source)))));
    });
    return sources.map((source) => path.join(folder, objectName(source)));
  }

  /** Links the image with its files and its table of function names; a folder with image.elf and image.symbols.elf. */
  private async link(objects: readonly string[], files: Uint8Array, names: SourceNames): Promise<string> {
    const script = repositoryPath("boot/image.ld");
    const inputs = await Promise.all([script, ...objects].map((file) => readFile(file)));
    const key = [...inputs, files, JSON.stringify(names), await nativeKey("ld"), await toolsKey()];
    return this.cache.stage("link", key, async (work) => {
      this.progress("ld");
      const elf = path.join(work, "linked.elf");
      const filesObject = await embed("boot_filesStart", ".files", files, work);
      // The table lies behind the text, so its size does not move the addresses in it.
      const empty = await embed("boot_symbols", ".symbols", symbolTable([], names), work);
      await link(script, [...objects, filesObject, empty], elf);
      const table = await embed("boot_symbols", ".symbols", symbolTable(await functionAddresses(elf), names), work);
      await link(script, [...objects, filesObject, table], elf);
      await strip(elf, path.join(work, "image.elf"), path.join(work, "image.symbols.elf"));
    });
  }
}

// boot/kernel.h implements an import "x" as kernel_import_boot_x, directly or by its macros PLACE and ENTRY.
function headerImports(header: string): Set<string> {
  const names = [...header.matchAll(/\bkernel_import_boot_(\w+)\(|^(?:PLACE|ENTRY)\((\w+)\)/gm)];
  return new Set(names.map(([, direct, place]) => direct ?? place ?? ""));
}

async function bootFiles(extension: string): Promise<string[]> {
  const names = (await readdir(repositoryPath("boot"))).filter((name) => name.endsWith(extension)).sort();
  return names.map((name) => repositoryPath("boot", name));
}

async function bootSources(): Promise<string[]> {
  const sources = await bootFiles(".asm");
  if (sources.length === 0) throw new KaryonError("IMAGE_NO_BOOT", "there is no assembly in boot/");
  return sources;
}

function objectName(source: string): string {
  return `${path.basename(source, ".asm")}.o`;
}

async function readText(file: string): Promise<string> {
  return readFile(repositoryPath(file), "utf8");
}

// The pipeline's own sources are inputs of what it makes.
let toolsHash: Promise<string> | undefined;
function toolsKey(): Promise<string> {
  toolsHash ??= readdir(repositoryPath("tools/image")).then(async (names) => {
    const texts = await Promise.all(
      names
        .filter((name) => name.endsWith(".ts"))
        .sort()
        .map((name) => readText(`tools/image/${name}`)),
    );
    return texts.join("\0");
  });
  return toolsHash;
}

// A domain may be booting from the old file: it keeps its inode.
async function replaceFile(source: string, destination: string): Promise<void> {
  await copyFile(source, `${destination}.new`);
  await rename(`${destination}.new`, destination);
}
