// Volumes for tests: made and checked by e2fsprogs.
import { execa } from "execa";
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { hostTool, type HostToolName } from "../../../tools/debian/tools.ts";

/** Runs `work` with a folder of its own. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), "karyon-volume-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(name: HostToolName, args: readonly string[]): Promise<{ code: number; output: string }> {
  const { command, args: before, env } = await hostTool(name);
  const result = await execa(command, [...before, ...args], { env: { ...env, LC_ALL: "C" }, all: true, reject: false });
  return { code: result.exitCode ?? -1, output: result.all };
}

export interface VolumeSettings {
  /** KiB. */
  readonly size?: number;
  readonly blockSize?: 1024 | 2048 | 4096;
  /** More arguments of mke2fs. */
  readonly options?: readonly string[];
  /** A folder of the host whose contents it gets. */
  readonly contents?: string;
}

/** A new volume. */
export async function makeVolume(settings: VolumeSettings = {}): Promise<Buffer> {
  const { size = 8192, blockSize = 1024, options = ["-t", "ext3"], contents } = settings;
  return inFolder(async (folder) => {
    const file = path.join(folder, "disk");
    const from = contents === undefined ? [] : ["-d", contents];
    const made = await run("mke2fs", ["-q", "-F", ...options, "-b", String(blockSize), ...from, file, `${size}k`]);
    assert.equal(made.code, 0, made.output);
    return readFile(file);
  });
}

/** The volume as the host has it after its journal is replayed, which must leave nothing to be corrected but files that were being deleted. */
export async function checkVolume(image: Buffer): Promise<Buffer> {
  return inFolder(async (folder) => {
    const file = path.join(folder, "disk");
    await writeFile(file, image);
    const replayed = await run("e2fsck", ["-p", file]);
    assert.ok(replayed.code === 0 || replayed.code === 1, `e2fsck -p: ${replayed.code}\n${replayed.output}`);
    const strange = replayed.output
      .split("\n")
      .filter((line) => !/recovering journal|^.*: clean,|Clearing orphaned inode|Truncating orphaned inode/.test(line))
      .filter((line) => line.trim() !== "" && !/\d+\/\d+ files/.test(line));
    assert.deepEqual(strange, [], replayed.output);
    const checked = await run("e2fsck", ["-f", "-n", file]);
    assert.equal(checked.code, 0, checked.output);
    return readFile(file);
  });
}

/** The volume with hash trees for its directories, as Linux makes them of large ones. */
export async function indexDirectories(image: Buffer): Promise<Buffer> {
  return inFolder(async (folder) => {
    const file = path.join(folder, "disk");
    await writeFile(file, image);
    const { code, output } = await run("e2fsck", ["-f", "-y", "-D", file]);
    assert.ok(code === 0 || code === 1, output);
    return readFile(file);
  });
}

/** What debugfs says to `command`. */
export async function debugVolume(image: Buffer, command: string): Promise<string> {
  return inFolder(async (folder) => {
    const file = path.join(folder, "disk");
    await writeFile(file, image);
    return (await run("debugfs", ["-R", command, file])).output;
  });
}
