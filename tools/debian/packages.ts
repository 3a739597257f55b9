// Trees of unpacked Debian packages. Each package is unpacked once, into store/<file>; a tree is the packages of one
// closure merged by hard links, under a name made of their versions. Nothing is configured: no maintainer script runs.
import { execa, ExecaError } from "execa";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { DEBIAN_RELEASE, aptDownload, aptResolve, aptUpdate, type ResolvedPackage } from "./apt.ts";
import { cacheFolder, cachedFolder, diskFull, ensureFolder, removeLeftovers, withLock } from "./cache.ts";
import { startProgress } from "./progress.ts";

const UNPACK_AT_ONCE = 4;

// Packages that serve maintainer scripts and documentation only: nothing in a tree runs them.
const NEVER_NEEDED =
  /^(debconf|cdebconf|dpkg|adduser|passwd|login|perl(-base|-modules-.*)?|libperl.*|init-system-helpers|install-info|tar|sensible-utils|ucf|.*-doc|gcc-\d+-base|initramfs-tools.*|linux-base|klibc-utils|libklibc|cpio|kmod|udev|grub.*|python3.*|libpython3.*|media-types|mime-support)$/;

/** A folder that looks like the root of a file system holding the packages asked for and what they need. */
export interface PackageTree {
  readonly root: string;
  /** Changes whenever the version of any package in the tree does. */
  readonly key: string;
}

/** Which packages make a tree. */
export interface PackageSet {
  /** For people: "QEMU", "the C compiler". */
  readonly title: string;
  readonly packages: readonly string[];
  /** Names of packages of the closure to leave out. */
  readonly without?: RegExp;
}

/**
 * The tree of `set`; fetched from Debian on first use and from then on the same until the cache is removed.
 *
 * @throws KaryonError NETWORK, DISK_FULL, APT_MISSING, PACKAGE_UNKNOWN, CACHE_NOT_WRITABLE
 */
export async function packageTree(set: PackageSet): Promise<PackageTree> {
  return (await recordedTree(set)) ?? withLock("debian", async () => (await recordedTree(set)) ?? makeTree(set));
}

/** The versions of the packages that have been unpacked, the newest of each: name → version. */
export async function storedVersions(): Promise<ReadonlyMap<string, string>> {
  const { store } = folders();
  const names = existsSync(store) ? await readdir(store) : [];
  const files = names.filter((name) => name.endsWith(".deb"));
  const times = await Promise.all(files.map(async (file) => (await stat(join(store, file))).mtimeMs));
  const byTime = files.map((file, i) => ({ file, time: times[i] ?? 0 })).sort((a, b) => a.time - b.time);
  return new Map(
    byTime.map(({ file }) => {
      const [name = "", version = ""] = file.split("_");
      return [name, decodeURIComponent(version)];
    }),
  );
}

function folders(): { store: string; trees: string; sets: string } {
  const base = join(cacheFolder(), "debian");
  return { store: join(base, "store"), trees: join(base, "trees"), sets: join(base, "sets") };
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function recordPath(set: PackageSet): string {
  const asked = JSON.stringify([DEBIAN_RELEASE, [...set.packages].sort(), set.without?.source, NEVER_NEEDED.source]);
  return join(folders().sets, hash(asked));
}

async function recordedTree(set: PackageSet): Promise<PackageTree | undefined> {
  const record = recordPath(set);
  if (!existsSync(record)) return undefined;
  const key = (await readFile(record, "utf8")).trim();
  const root = join(folders().trees, key);
  return existsSync(root) ? { root, key } : undefined;
}

async function makeTree(set: PackageSet): Promise<PackageTree> {
  const { store, trees, sets } = folders();
  await Promise.all([removeLeftovers(store), removeLeftovers(trees)]);
  const packages = await fetchClosure(set, store);
  const key = hash(packages.map(({ file }) => file).join("\n"));
  const root = await cachedFolder(join(trees, key), (temporary) => mergePackages(packages, store, temporary));
  await ensureFolder(sets);
  await writeFile(recordPath(set), `${key}\n`);
  return { root, key };
}

async function fetchClosure(set: PackageSet, store: string): Promise<ResolvedPackage[]> {
  for (let attempt = 0; ; attempt++) {
    await aptUpdate(attempt > 0);
    const closure = (await aptResolve(set.packages)).filter(({ name }) => isWanted(set, name));
    const packages = closure.sort((a, b) => (a.file < b.file ? -1 : 1));
    try {
      await fetchPackages(set.title, packages, store);
      return packages;
    } catch (error) {
      // Lists a few hours old may name a version the mirror has since replaced: refresh them, once.
      if (attempt > 0 || !(error instanceof KaryonError) || error.code !== "NETWORK") throw error;
      logger.debug(`refreshing the package lists: ${error.message}`);
    }
  }
}

function isWanted(set: PackageSet, name: string): boolean {
  if (set.packages.includes(name)) return true;
  return !NEVER_NEEDED.test(name) && set.without?.test(name) !== true;
}

async function fetchPackages(title: string, packages: readonly ResolvedPackage[], store: string): Promise<void> {
  const missing = packages.filter(({ file }) => !existsSync(join(store, file)));
  if (missing.length === 0) return;
  await ensureFolder(store);
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  const progress = startProgress(`fetching ${title} from Debian (${megabytes(total)} MB)`);
  const downloads = join(store, ".making-downloads");
  await ensureFolder(downloads);
  try {
    await aptDownload(missing, downloads, (bytes) => progress.update(`${megabytes(bytes)} of ${megabytes(total)} MB`));
    progress.update("unpacking");
    const debs = (await readdir(downloads)).filter((name) => name.endsWith(".deb"));
    await eachAtOnce(UNPACK_AT_ONCE, missing, ({ file }) => unpack(findDeb(downloads, debs, file), join(store, file)));
  } finally {
    await rm(downloads, { recursive: true, force: true });
  }
  progress.done();
}

// apt-get download and --print-uris may quote the epoch's colon differently.
function findDeb(folder: string, debs: readonly string[], file: string): string {
  const plain = (name: string): string => decodeURIComponent(name);
  const found = debs.find((name) => plain(name) === plain(file));
  if (found === undefined) throw new KaryonError("APT_FAILED", `apt-get did not deliver ${file}`, "try again");
  return join(folder, found);
}

async function unpack(deb: string, target: string): Promise<void> {
  await cachedFolder(target, async (temporary) => {
    await run("dpkg-deb", ["-x", deb, temporary], target);
  });
  await rm(deb);
}

async function mergePackages(packages: readonly ResolvedPackage[], store: string, target: string): Promise<void> {
  const sources = packages.map(({ file }) => `${join(store, file)}/.`);
  const probe = await execa("cp", ["-al", "--", ...sources, target], { reject: false });
  // A file system without hard links takes copies.
  if (probe.failed) await run("cp", ["-a", "--", ...sources, target], target);
}

async function run(command: string, args: readonly string[], target: string): Promise<void> {
  try {
    await execa(command, args);
  } catch (error) {
    if (error instanceof ExecaError && String(error.stderr).includes("No space left")) throw diskFull(target, error);
    throw error;
  }
}

async function eachAtOnce<T>(limit: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
