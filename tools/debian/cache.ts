// The cache of what is made once and used by every later run: unpacked Debian packages, the lab's disk image and
// snapshot. It lies in `.cache/` of the project or where KARYON_CACHE says, so that several checkouts can share one.
//
// Invariants: a folder under its final name is complete (made under a temporary name, then renamed), and whoever makes
// one holds the lock of that name. The lock is flock(2) on a file, held by a child whose stdin is our pipe: it goes
// with this process however that ends, so there is no stale lock to break.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";

const LOCK_NOTICE_AFTER_MS = 2000;
const TEMPORARY_MARK = ".making-";

/** The cache folder, absolute; it need not exist yet. */
export function cacheFolder(): string {
  const chosen = process.env["KARYON_CACHE"];
  if (chosen !== undefined && chosen !== "") return resolve(chosen);
  return fileURLToPath(new URL("../../.cache", import.meta.url));
}

/** Creates `folder` with its parents, or says why it cannot be. */
export async function ensureFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    return folder;
  } catch (error) {
    throw cacheError(folder, error);
  }
}

/** Runs `work` while no other process holds the lock `name` of this cache. */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const file = join(await ensureFolder(join(cacheFolder(), "locks")), name);
  const holder = spawn("flock", [file, "sh", "-c", "echo held && exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const exited = once(holder, "exit");
  const notice = setTimeout(
    () => logger.info(`waiting for another Karyon process to finish "${name}"`),
    LOCK_NOTICE_AFTER_MS,
  );
  try {
    const held = await Promise.race([
      once(holder.stdout, "data").then(() => true),
      exited.then(() => false),
      once(holder, "error").then(() => false),
    ]);
    if (!held)
      throw new KaryonError("CACHE_LOCK", `cannot lock ${file}`, "the command flock comes with Debian's util-linux");
  } finally {
    clearTimeout(notice);
  }
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await exited;
  }
}

/**
 * The folder `path`, made by `make` if it is not there. `make` fills the folder it is given; the result appears under
 * its final name complete or not at all.
 */
export async function cachedFolder(path: string, make: (temporary: string) => Promise<void>): Promise<string> {
  if (existsSync(path)) return path;
  const parent = await ensureFolder(dirname(path));
  const temporary = join(parent, `${basename(path)}${TEMPORARY_MARK}${randomBytes(4).toString("hex")}`);
  await ensureFolder(temporary);
  try {
    await make(temporary);
    await renameOver(temporary, path);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw cacheError(path, error);
  }
  return path;
}

/** Removes what runs that were killed half way left in `folder`; call with the lock held. */
export async function removeLeftovers(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const left = (await readdir(folder)).filter((name) => name.includes(TEMPORARY_MARK));
  await Promise.all(left.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

/** Marks `path` as used now, for keepRecent. */
export async function markUsed(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
}

/** Removes all but the `count` most recently used entries of `folder`; call with the lock held. */
export async function keepRecent(folder: string, count: number): Promise<void> {
  const paths = (await readdir(folder)).map((name) => join(folder, name));
  const aged = await Promise.all(paths.map(async (path) => ({ path, used: (await stat(path)).mtimeMs })));
  const old = aged.sort((a, b) => b.used - a.used).slice(count);
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}

async function renameOver(temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path);
  } catch (error) {
    // Somebody else made the same content first: theirs is as good as ours.
    if (!existsSync(path)) throw error;
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Turns the file system errors a user can mend into KaryonErrors; passes everything else on. */
function cacheError(path: string, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOSPC") return diskFull(path, error);
  if (["EACCES", "EROFS", "EPERM", "ENOTDIR", "EEXIST"].includes(String(code))) {
    return new KaryonError("CACHE_NOT_WRITABLE", `cannot write ${path}`, "set KARYON_CACHE to a folder of yours", {
      cause: error,
    });
  }
  return error;
}

/** The error for a full disk below `path`. */
export function diskFull(path: string, cause?: unknown): KaryonError {
  return new KaryonError(
    "DISK_FULL",
    `no space left for ${path}`,
    "about 1 GB is needed; free some, or set KARYON_CACHE to a folder on a larger disk",
    { cause },
  );
}
