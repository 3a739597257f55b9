// From an app's folder to a bootable image: the stages in order, each behind the cache.
//   asc → binaryen → wasm2c → translate → gcc, once for kernel and libos (shared by all apps of the same aim) and once for the app;
//   nasm for boot/; ld twice, because the table of function names needs the addresses of a first link; strip.
import { copyFile, mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { compileAssembly, compilerVersion, type Compilation } from "./assembly.ts";
import { bootFiles, bootSources, headerImports, objectName } from "./boot.ts";
import { StageCache } from "./cache.ts";
import { Compiler } from "./compiler.ts";
import { domainConfig } from "./config.ts";
import { makeVolumes } from "./disks.ts";
import { collectFiles, filesBlob } from "./files.ts";
import { appCompilation, askedFeatures, kernelCompilation } from "./compilations.ts";
import { admitForeign, readForeign } from "./foreign.ts";
import { appUnit, kernelUnit, programUnit, neededParts } from "./glue.ts";
import { kernelHooks, type Asked, type KernelHooks } from "./hooks.ts";
import { readApp, type Fields, type Manifest } from "./manifest.ts";
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
import { filesWithPrograms, programUnitName, programsOf, programsUnit, type ProgramModule } from "./programs.ts";
import type { KernelExports } from "./signature.ts";
import { sourceNames, symbolTable, type SourceNames } from "./symbols.ts";
import { translateModule, type ModuleName } from "./translate.ts";
import { isForeign } from "./wasi.ts";
import { readModule } from "./wasm.ts";
import { runWasm2c, wasm2cVersion } from "./wasm2c.ts";

/** How to build. */
export interface BuildOptions {
  /** Where the results go; default build/<name> in the repository. */
  readonly output?: string;
  /** Of a WebAssembly module that is built without a manifest: what that would say otherwise than by default. */
  readonly fields?: Fields;
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
  readonly module: ProgramModule;
}

/** What an app's unit is made to fit. */
interface Seam {
  readonly kernel: Promise<Unit>;
  readonly asked: Asked;
  /** Which of several programs it is, from 0. */
  readonly program?: number;
}

/** The same when it is there. */
type Fitted = Omit<Seam, "kernel"> & { readonly kernel: Unit };

/**
 * Builds an app.
 *
 * @param app its folder, one of the manifests in it (apps/httpd/prefork.json), or a WebAssembly module of another toolchain
 * @throws KaryonError for everything that is wrong with the app, its manifest or the tools
 */
export async function buildImage(app: string, options: BuildOptions = {}): Promise<Image> {
  const progress = options.progress ?? (() => undefined);
  const { folder, manifest } = await readApp(app, options.fields);
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

class Stages {
  private readonly compiler = new Compiler();

  constructor(
    private readonly cache: StageCache,
    private readonly progress: (stage: string) => void,
  ) {}

  /** All stages; a folder with image.elf and image.symbols.elf. */
  async image(appFolder: string, manifest: Manifest): Promise<string> {
    try {
      // What is small stays small; what serves a network executes much of the kernel for every packet.
      const fast = (manifest.optimize ?? (manifest.network === false ? "size" : "speed")) === "speed";
      const programs = programsOf(manifest);
      const appWasm = programs.map(({ entry }) =>
        isForeign(entry)
          ? this.foreign(path.join(appFolder, entry))
          : this.compile("app", appCompilation(appFolder, entry)),
      );
      const kernelWasm = this.kernel(manifest, appWasm);
      const kernel = this.unit("kernel", kernelWasm, fast ? "speed" : "size");
      const foreign = isForeign(manifest.entry);
      const asked = { name: manifest.name, features: askedFeatures(manifest), foreign };
      const aim = fast ? "speed" : (manifest.optimize ?? "balance");
      const apps = appWasm.map((wasm, program) =>
        this.unit("app", wasm, aim, programs.length > 1 ? { kernel, asked, program } : { kernel, asked }),
      );
      const [boot, files, ...units] = await Promise.all([
        this.boot(),
        manifest.files === undefined ? [] : collectFiles(path.join(appFolder, manifest.files)),
        kernel,
        ...apps,
      ]);
      const names = Object.assign({}, ...units.map((unit) => unit.names)) as SourceNames;
      const several = programs.length > 1 ? [await this.programs(await kernel, await Promise.all(apps), asked)] : [];
      const objects = [...boot, ...units.map((unit) => unit.object), ...several];
      return await this.link(objects, filesBlob(filesWithPrograms(files, programs)), names);
    } finally {
      await this.compiler.close();
    }
  }

  /** The object that stands for the app where there are several programs. */
  private async programs(kernel: Unit, apps: readonly Unit[], asked: Asked): Promise<string> {
    const modules = apps.map(({ module }) => module);
    const unit = programsUnit(modules, kernel.exports, kernel.hooks, asked);
    const folder = await this.cache.stage("programs-c", [unit], (work) => writeFile(path.join(work, "unit.c"), unit));
    return this.compileUnit("programs", path.join(folder, "unit.c"), "size");
  }

  /** The kernel's module, with the parts that the manifest asks for, or else those that programs turn out to need. */
  private async kernel(manifest: Manifest, appWasm: readonly Promise<string>[]): Promise<string> {
    const needs = await Promise.all(
      appWasm.map(async (file) => neededParts(readModule("app.wasm", await readFile(await file)))),
    );
    const parts = {
      network: manifest.network !== false || needs.some(({ network }) => network),
      proc: manifest.proc,
      disk: Object.keys(manifest.disks).length > 0,
      programs: appWasm.length > 1 || needs.some(({ programs }) => programs),
      wasi: isForeign(manifest.entry),
    };
    return this.compile("kernel", kernelCompilation(parts));
  }

  /** One module from WebAssembly to an object file. */
  private async unit(name: ModuleName, wasm: Promise<string>, aim: Aim, seam?: Seam): Promise<Unit> {
    const fits = seam && { ...seam, kernel: await seam.kernel };
    const folder = await this.translate(name, await wasm, fits);
    const unit = JSON.parse(await readFile(path.join(folder, "unit.json"), "utf8")) as Omit<Unit, "object">;
    return { ...unit, object: await this.compileUnit(name, path.join(folder, "unit.c"), aim) };
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

  /** A module of another toolchain. */
  private async foreign(file: string): Promise<string> {
    const binary = await readForeign(file);
    const folder = await this.cache.stage("foreign", [binary, compilerVersion(), await toolsKey()], async (work) => {
      this.progress("app: binaryen");
      await writeFile(path.join(work, "module.wasm"), await admitForeign(this.compiler, file, binary));
    });
    return path.join(folder, "module.wasm");
  }

  private async translate(name: ModuleName, wasmFile: string, fits?: Fitted): Promise<string> {
    const wasm = await readFile(wasmFile);
    const boot = await bootSources();
    const header = await readText("boot/kernel.h");
    const assembly = await globalNames(boot);
    const seam = JSON.stringify([fits?.kernel.exports, fits?.kernel.hooks, fits?.asked, fits?.program]);
    const key = [wasm, wasm2cVersion(), await toolsKey(), header, [...assembly].join(), seam];
    return this.cache.stage(`${name}-c`, key, async (work) => {
      this.progress(`${name}: wasm2c`);
      const copy = path.join(work, "module.wasm");
      await writeFile(copy, wasm);
      const module = readModule(`${name}.wasm`, wasm);
      const translation = translateModule(name, await runWasm2c(copy, name), module);
      const unit =
        fits === undefined
          ? kernelUnit(translation, module, { header: headerImports(header), assembly })
          : fits.program === undefined
            ? appUnit(translation, module, fits.kernel.exports, fits.kernel.hooks, fits.asked)
            : programUnit(programUnitName(fits.program), translation, module, fits.kernel.exports);
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
          module: {
            imports: translation.imports,
            initialPages: module.initialPages,
            maximumPages: module.maximumPages,
          },
        }),
      );
    });
  }

  private async compileUnit(name: ModuleName | "programs", source: string, aim: Aim): Promise<string> {
    const headers = await Promise.all(
      ["runtime.h", "memory.h", "kernel.h", "app.h", "programs.h", "exceptions.h"].map((file) =>
        readText(`boot/${file}`),
      ),
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
