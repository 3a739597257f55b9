// Sources of Debian packages (format "3.0 (quilt)"): what its authors published, with Debian's changes.
import { execa } from "execa";
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { KaryonError } from "../support/errors.ts";
import { aptSource, DEBIAN_RELEASE } from "./apt.ts";
import { cacheFolder, cachedFolder, ensureFolder, removeLeftovers, withLock } from "./cache.ts";
import { startProgress } from "./progress.ts";
import { hostTool } from "./tools.ts";

/** The files of a source package: their names. */
export interface SourceFiles {
  /** What is fetched with it and not wanted has another name: name_version.orig-component.tar.xz. */
  readonly original: string;
  readonly debian: string;
}

/**
 * The folder with the sources of the package `name`; fetched from Debian on first use and from then on the same until the cache is removed.
 *
 * @throws KaryonError NETWORK, DISK_FULL, APT_MISSING, PACKAGE_UNKNOWN, CACHE_NOT_WRITABLE, SOURCE_PACKAGE
 */
export async function sourcePackage(name: string): Promise<string> {
  const sources = join(cacheFolder(), "debian", "sources");
  const folder = join(sources, `${name}-${DEBIAN_RELEASE}`);
  if (existsSync(folder)) return folder;
  // What patches and unpacks is a package itself, which the lock is for, too.
  const tools = await Promise.all([hostTool("xz"), hostTool("patch")]);
  return withLock("debian", async () => {
    await removeLeftovers(sources);
    return cachedFolder(folder, async (temporary) => {
      const progress = startProgress(`fetching the sources of ${name} from Debian`);
      const downloads = await ensureFolder(join(temporary, ".downloads"));
      await aptSource(name, downloads);
      progress.update("unpacking");
      const { original, debian } = sourceFiles(await readdir(downloads));
      const [xz, patch] = tools;
      await unpack(xz, downloads, original, temporary, ["--strip-components=1"]);
      await unpack(xz, downloads, debian, temporary, []);
      const patches = join(temporary, "debian", "patches");
      for (const file of patchSeries(await readFile(join(patches, "series"), "utf8").catch(() => ""))) {
        await run(patch, ["-p1", "-s", "-d", temporary, "-i", join(patches, file)]);
      }
      await rm(downloads, { recursive: true });
      progress.done();
    });
  });
}

/** Which of a source package's files is which. Exported for its test. */
export function sourceFiles(names: readonly string[]): SourceFiles {
  const one = (pattern: RegExp): string => {
    const [found, another] = names.filter((name) => pattern.test(name));
    if (found !== undefined && another === undefined) return found;
    throw new KaryonError("SOURCE_PACKAGE", `a source package of another format: ${names.join(", ")}`);
  };
  return { original: one(/\.orig\.tar\.\w+$/), debian: one(/\.debian\.tar\.\w+$/) };
}

/** The patches that debian/patches/series names, in their order. Exported for its test. */
export function patchSeries(series: string): string[] {
  return series.split("\n").flatMap((line) => /^[^\s#]+/.exec(line)?.[0] ?? []);
}

type Tool = Awaited<ReturnType<typeof hostTool>>;

async function unpack(
  xz: Tool,
  folder: string,
  file: string,
  target: string,
  options: readonly string[],
): Promise<void> {
  const packed = join(folder, file);
  const isXz = file.endsWith(".xz");
  if (isXz) await run(xz, ["-d", packed]);
  const tar: Tool = { command: "tar", args: [], env: {} };
  await run(tar, ["-x", "-f", isXz ? packed.slice(0, -".xz".length) : packed, "-C", target, ...options]);
}

async function run({ command, args, env }: Tool, more: readonly string[]): Promise<void> {
  const result = await execa(command, [...args, ...more], { env, reject: false, stdin: "ignore" });
  if (result.failed) throw new KaryonError("SOURCE_PACKAGE", `${command} failed: ${result.stderr || result.message}`);
}
