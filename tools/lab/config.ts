// A domain configuration (xl.cfg) on its way into dom0: the files it names are the host's, so they are given names in
// dom0 that follow from their content, and the configuration is rewritten to those.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { KaryonError } from "../support/errors.ts";

/** A file to be in dom0 before `xl create`. */
export interface ConfigFile {
  readonly path: string;
  readonly content: Buffer;
}

/** A configuration for dom0. */
export interface DomainConfig {
  readonly name: string;
  readonly text: string;
  readonly files: readonly ConfigFile[];
}

const DISKS = /^\s*disk\s*=\s*\[.*\]\s*$/;
const TARGET = /target=([^"]*)"/g;
const FILE_SETTINGS = ["kernel", "ramdisk"];

/**
 * Reads the configuration at `path`; `extra` lines go behind its own. Relative file names are taken from the
 * configuration's folder.
 *
 * @throws KaryonError BAD_CONFIG
 */
export async function readDomainConfig(path: string, extra: readonly string[]): Promise<DomainConfig> {
  const own = await readText(path);
  const lines = [...own.split("\n"), ...extra];
  const name = setting(lines, "name");
  if (name === undefined) throw new KaryonError("BAD_CONFIG", `${path} names no domain`, 'add a line: name = "…"');
  if (!/^[\w.+-]+$/.test(name)) throw new KaryonError("BAD_CONFIG", `${path}: bad domain name ${JSON.stringify(name)}`);
  const files: ConfigFile[] = [];
  for (const key of FILE_SETTINGS) {
    const value = setting(lines, key);
    if (value === undefined) continue;
    const file = await configFile(path, key, value);
    files.push(file);
    lines.push(`${key} = "${file.path}"`);
  }
  const disks = await diskFiles(path, lines);
  return { name, text: `${lines.join("\n")}\n`, files: [...files, ...disks] };
}

/**
 * The volumes that the last `disk = [ … ]` names: copies of files of the host, which go with the lab. The lab's own script puts each behind a
 * loop device. Block devices are dom0's.
 */
async function diskFiles(configPath: string, lines: string[]): Promise<ConfigFile[]> {
  const line = lines.findLast((text) => DISKS.test(text));
  if (line === undefined) return [];
  const files: ConfigFile[] = [];
  let changed = line;
  for (const [, target = ""] of line.matchAll(TARGET)) {
    if (target.startsWith("/dev/")) continue;
    const file = await configFile(configPath, "disk", target);
    const name = createHash("sha256").update(`${configPath} ${target}`).digest("hex").slice(0, 24);
    files.push({ path: `/tmp/volumes/${name}`, content: file.content });
    changed = changed.replace(`target=${target}"`, `script=block,target=/tmp/volumes/${name}"`);
  }
  lines.push(changed);
  return files;
}

/** The value of the last `key = "value"` among `lines`. */
function setting(lines: readonly string[], key: string): string | undefined {
  const pattern = new RegExp(`^\\s*${key}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`);
  const match = lines.map((line) => pattern.exec(line)).findLast((found) => found !== null);
  return match?.[1] ?? match?.[2];
}

async function configFile(configPath: string, key: string, value: string): Promise<ConfigFile> {
  const source = resolve(dirname(configPath), value);
  try {
    const content = await readFile(source);
    const digest = createHash("sha256").update(content).digest("hex").slice(0, 24);
    return { path: `/tmp/images/${digest}`, content };
  } catch (error) {
    const mend = "build the image first: npm run image -- apps/<name>";
    throw new KaryonError("BAD_CONFIG", `${configPath}: ${key} ${source} cannot be read`, mend, { cause: error });
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new KaryonError(
      "BAD_CONFIG",
      `${path} cannot be read`,
      "build the image first: npm run image -- apps/<name>",
      {
        cause: error,
      },
    );
  }
}
