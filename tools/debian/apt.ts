// Debian's apt-get on private state: own sources, own package lists, an empty list of installed packages. So it needs no
// root and no earlier `apt-get update`, touches nothing of the host, and resolves the same set on every machine.
// From the host come only its mirror (where it is a Debian 12 one) and its Acquire options (proxies).
import { execa, ExecaError } from "execa";
import { existsSync } from "node:fs";
import { readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KaryonError } from "../support/errors.ts";
import { cacheFolder, diskFull, ensureFolder } from "./cache.ts";

/** The Debian release all packages come from. */
export const DEBIAN_RELEASE = "bookworm";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const MIRROR = "http://deb.debian.org/debian/";
const SECURITY_MIRROR = "http://deb.debian.org/debian-security/";
const LISTS_FRESH_MS = 24 * 3600 * 1000;
const NETWORK_TIMEOUT_S = 30;

/** One package as apt resolved it. */
export interface ResolvedPackage {
  readonly name: string;
  readonly version: string;
  /** File name of the .deb, which is unique for name, version and architecture. */
  readonly file: string;
  /** Bytes to download. */
  readonly size: number;
}

/** Refreshes the package lists when there are none, when they are over a day old, or when `force` is set. */
export async function aptUpdate(force = false): Promise<void> {
  await update("updated", [], force);
}

async function update(stampName: string, options: readonly string[], force = false): Promise<void> {
  const stamp = join(await prepareState(), stampName);
  const age = existsSync(stamp) ? Date.now() - (await stat(stamp)).mtimeMs : Infinity;
  if (!force && age < LISTS_FRESH_MS) return;
  await apt(["update", "-o", "APT::Update::Error-Mode=any", ...options]);
  await writeFile(stamp, "");
  await utimes(stamp, new Date(), new Date());
}

/** Downloads the files of a source package into `folder`, verified by apt. The lists of source packages are 10 MB, which others need not fetch. */
export async function aptSource(name: string, folder: string): Promise<void> {
  const state = await prepareState();
  const lists = join(state, "source-lists");
  await ensureFolder(join(lists, "partial"));
  await writeFile(join(state, "source-packages.list"), await sourcesList("deb-src"));
  const options = [
    "-o",
    `Dir::Etc::sourcelist=${join(state, "source-packages.list")}`,
    "-o",
    `Dir::State::lists=${lists}`,
  ];
  await update("source-updated", options);
  await apt(["-qq", ...options, "source", "--download-only", name], folder);
}

/** The whole dependency closure of `names` (no recommended packages), as if nothing at all were installed. */
export async function aptResolve(names: readonly string[]): Promise<ResolvedPackage[]> {
  const output = await apt(["-qq", "--print-uris", "install", ...names]);
  return parsePrintUris(output);
}

/** Parses `apt-get --print-uris`: one line `'uri' file size hash` a package. Exported for its test. */
export function parsePrintUris(output: string): ResolvedPackage[] {
  const packages: ResolvedPackage[] = [];
  for (const line of output.split("\n")) {
    const match = /^'[^']+' ((\S+?)_(\S+)_[a-z0-9]+\.deb) (\d+)/.exec(line);
    if (match === null) continue;
    const [, file = "", name = "", version = "", size = "0"] = match;
    packages.push({ name, version: decodeURIComponent(version), file, size: Number(size) });
  }
  return packages;
}

/** Downloads `packages` into `folder`, verified by apt; `onProgress` hears the bytes that have arrived. */
export async function aptDownload(
  packages: readonly ResolvedPackage[],
  folder: string,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const poll = setInterval(() => void folderSize(folder).then(onProgress, () => undefined), 250);
  try {
    await apt(["-qq", "download", ...packages.map(({ name, version }) => `${name}=${version}`)], folder);
  } finally {
    clearInterval(poll);
  }
}

async function folderSize(folder: string): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function apt(args: readonly string[], cwd?: string): Promise<string> {
  const state = await prepareState();
  try {
    const result = await execa("apt-get", args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { APT_CONFIG: join(state, "apt.conf"), LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
      stdin: "ignore",
      maxBuffer: 64 * 1024 * 1024,
    });
    return result.stdout;
  } catch (error) {
    throw error instanceof ExecaError ? aptError(state, error.code, String(error.stderr ?? ""), error) : error;
  }
}

/** What an apt-get failure means to a user. Exported for its test. */
export function aptError(state: string, code: string | undefined, stderr: string, cause?: unknown): KaryonError {
  if (code === "ENOENT") return aptMissing(cause);
  const said = stderr.split("\n").filter((line) => /^(E|Err|W):/.test(line));
  const reason = (said[0] ?? stderr.trim().split("\n").at(-1) ?? "").replace(/^(E|Err|W): ?/, "");
  if (/No space left|not enough free space|You don't have enough/.test(stderr)) return diskFull(state, cause);
  if (/Unable to (?:locate|find a source) package|has no installation candidate|unmet dependencies/.test(stderr)) {
    return new KaryonError("PACKAGE_UNKNOWN", `Debian ${DEBIAN_RELEASE}: ${reason}`, "is the mirror complete?", {
      cause,
    });
  }
  if (/resolv|connect|Failed to fetch|timed out|unreachable|404 +Not Found|403 +Forbidden/i.test(stderr)) {
    const mend = "check the network, or the proxy in http_proxy or apt's configuration, and try again";
    return new KaryonError("NETWORK", `cannot fetch Debian packages: ${reason}`, mend, { cause });
  }
  return new KaryonError("APT_FAILED", `apt-get failed: ${reason}`, `its state is in ${state}`, { cause });
}

function aptMissing(cause?: unknown): KaryonError {
  return new KaryonError(
    "APT_MISSING",
    "apt-get is not here, so packages cannot be fetched from Debian",
    "use Debian 12 or a derivative of it, or install nasm, gcc, binutils and qemu-system-x86 yourself and set KARYON_TOOLS=system",
    { cause },
  );
}

let prepared: Promise<string> | undefined;

/** The folder of apt's private state, with its configuration written. */
function prepareState(): Promise<string> {
  prepared ??= writeState(join(cacheFolder(), "debian", "apt"));
  return prepared;
}

async function writeState(state: string): Promise<string> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new KaryonError("HOST_UNSUPPORTED", `Debian's amd64 tools do not run on ${process.platform} ${process.arch}`);
  }
  await ensureFolder(join(state, "lists", "partial"));
  await ensureFolder(join(state, "cache", "archives", "partial"));
  await writeFile(join(state, "status"), "");
  await writeFile(join(state, "sources.list"), await sourcesList("deb"));
  await writeFile(join(state, "apt.conf"), (await acquireOptions()) + stateOptions(state));
  return state;
}

function stateOptions(state: string): string {
  const options: Record<string, string> = {
    "Dir::Etc::main": "/dev/null",
    "Dir::Etc::parts": "/dev/null",
    "Dir::Etc::sourcelist": join(state, "sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "Dir::State": state,
    "Dir::State::lists": join(state, "lists"),
    "Dir::State::status": join(state, "status"),
    "Dir::State::extended_states": join(state, "extended_states"),
    "Dir::Cache": join(state, "cache"),
    "Dir::Cache::pkgcache": "",
    "Dir::Cache::srcpkgcache": "",
    "Dir::Log": state,
    "Acquire::GzipIndexes": "true",
    "APT::Architecture": "amd64",
    "APT::Install-Recommends": "0",
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": String(NETWORK_TIMEOUT_S),
    "Acquire::https::Timeout": String(NETWORK_TIMEOUT_S),
  };
  const lines = Object.entries(options).map(([name, value]) => `${name} "${value}";\n`);
  return `#clear APT::Architectures;\nAPT::Architectures { "amd64"; };\n${lines.join("")}`;
}

/** The host's Acquire options: how it reaches the network (proxy, TLS). */
async function acquireOptions(): Promise<string> {
  try {
    return (
      (await execa("apt-config", ["dump", "--format", '%F "%v";%n', "Acquire::http", "Acquire::https"])).stdout + "\n"
    );
  } catch (error) {
    throw aptMissing(error);
  }
}

/** What the lines of a list of sources say: the packages, or their sources, of the host's mirror or the public one. */
async function sourcesList(type: "deb" | "deb-src"): Promise<string> {
  const found = await execa(
    "apt-get",
    ["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
    { reject: false },
  );
  const signedBy = existsSync(KEYRING) ? ` signed-by=${KEYRING}` : "";
  return chooseSources(found.stdout ?? "")
    .map((source) => `${type} [arch=amd64${signedBy}] ${source}\n`)
    .join("");
}

/** The host's own sources for this release and its updates, or the public mirror's. Exported for its test. */
export function chooseSources(indexTargets: string): string[] {
  const releases = [DEBIAN_RELEASE, `${DEBIAN_RELEASE}-updates`, `${DEBIAN_RELEASE}-security`];
  const own = indexTargets.split("\n").filter((line) => {
    const [, release = "", component = ""] = line.split(" ");
    return releases.includes(release) && component === "main";
  });
  if (own.some((line) => line.split(" ")[1] === DEBIAN_RELEASE)) return [...new Set(own)];
  return releases.map((release) => `${release.endsWith("-security") ? SECURITY_MIRROR : MIRROR} ${release} main`);
}
