// The stage cache: a stage's outputs lie in build/cache under a key of everything that went into them, so that a stage
// whose inputs are unchanged is not run again. A folder appears under its name only when it is complete (rename), which
// also makes builds that run side by side safe.
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import path from "node:path";

const KEY_LENGTH = 24;
const KEEP_MILLISECONDS = 14 * 24 * 3600 * 1000;

/** Cached outputs of the stages. */
export class StageCache {
  constructor(private readonly folder: string) {}

  /**
   * The folder with the outputs of `stage` for these inputs; `produce` fills a new folder when there is none yet.
   *
   * @param key everything that the outputs depend on, the versions of the tools included
   */
  async stage(
    stage: string,
    key: readonly (string | Uint8Array)[],
    produce: (folder: string) => Promise<void>,
  ): Promise<string> {
    const final = path.join(this.folder, `${stage}-${contentHash(...key).slice(0, KEY_LENGTH)}`);
    if (await touch(final)) return final;
    await mkdir(this.folder, { recursive: true });
    const work = await mkdtemp(path.join(this.folder, `.${stage}-`));
    try {
      await produce(work);
      await rename(work, final);
    } catch (error) {
      await rm(work, { recursive: true, force: true });
      if (!(await touch(final))) throw error;
    }
    return final;
  }

  /**
   * The same for a stage that finds its inputs while it runs: the last run's list is checked before the next.
   *
   * @param produce fills the folder and returns the inputs: absolute path to content hash, `null` for "not there"
   */
  async discoveringStage(
    stage: string,
    key: readonly string[],
    produce: (folder: string) => Promise<ReadonlyMap<string, string | null>>,
  ): Promise<string> {
    const list = path.join(this.folder, `${stage}-${contentHash(...key).slice(0, KEY_LENGTH)}.inputs.json`);
    const known = await readInputs(list);
    if (known !== undefined && (await unchanged(known))) {
      const folder = path.join(this.folder, `${stage}-${inputsHash(key, known)}`);
      if (await touch(folder)) return folder;
    }
    await mkdir(this.folder, { recursive: true });
    const work = await mkdtemp(path.join(this.folder, `.${stage}-`));
    try {
      const inputs = [...(await produce(work))].sort(([a], [b]) => (a < b ? -1 : 1));
      const final = path.join(this.folder, `${stage}-${inputsHash(key, inputs)}`);
      await rm(final, { recursive: true, force: true });
      await rename(work, final);
      await writeFile(list, JSON.stringify(inputs));
      return final;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }

  /** Removes what no build has used for two weeks. */
  async prune(now: number): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const file = path.join(this.folder, name);
      const info = await stat(file).catch(() => undefined);
      if (info !== undefined && now - info.mtimeMs > KEEP_MILLISECONDS)
        await rm(file, { recursive: true, force: true });
    }
  }
}

/** The hash by which contents are compared. */
export function contentHash(...contents: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const content of contents) {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex");
}

type Inputs = (readonly [file: string, hash: string | null])[];

function inputsHash(key: readonly string[], inputs: Inputs): string {
  return contentHash(...key, JSON.stringify(inputs)).slice(0, KEY_LENGTH);
}

async function readInputs(file: string): Promise<Inputs | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Inputs;
  } catch {
    return undefined;
  }
}

async function unchanged(inputs: Inputs): Promise<boolean> {
  const same = await Promise.all(
    inputs.map(async ([file, hash]) => {
      const text = await readFile(file).catch(() => null);
      return (text === null ? null : contentHash(text)) === hash;
    }),
  );
  return same.every(Boolean);
}

// Marks `folder` as used now; false if it does not exist.
async function touch(folder: string): Promise<boolean> {
  const now = new Date();
  return utimes(folder, now, now).then(
    () => true,
    () => false,
  );
}
