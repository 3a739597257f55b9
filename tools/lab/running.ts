// The one lab that `npm run lab -- up` leaves running for a checkout: a file in the cache says how to find it again.
// It holds the agent's secret, so only its owner can read it.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, ensureFolder } from "../debian/cache.ts";
import { KaryonError } from "../support/errors.ts";
import { Lab, type LabHandle } from "./lab.ts";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));

function recordPath(): string {
  const name = createHash("sha256").update(CHECKOUT).digest("hex").slice(0, 16);
  return join(cacheFolder(), "lab", "running", `${name}.json`);
}

/** The checkout's running lab; undefined when there is none. */
export async function findRunning(): Promise<Lab | undefined> {
  const path = recordPath();
  if (!existsSync(path)) return undefined;
  const lab = await Lab.attach(JSON.parse(await readFile(path, "utf8")) as LabHandle);
  if (lab === undefined) await rm(path, { force: true });
  return lab;
}

/** The checkout's running lab, or the advice to start one. */
export async function requireRunning(): Promise<Lab> {
  const lab = await findRunning();
  if (lab === undefined) throw new KaryonError("LAB_DOWN", "no lab is running", "start one with: npm run lab -- up");
  return lab;
}

/** Remembers a detached lab as the checkout's. */
export async function recordRunning(lab: Lab): Promise<void> {
  const path = recordPath();
  await ensureFolder(dirname(path));
  await writeFile(path, JSON.stringify(lab.handle), { mode: 0o600 });
}

/** Forgets the checkout's lab. */
export async function forgetRunning(): Promise<void> {
  await rm(recordPath(), { force: true });
}
