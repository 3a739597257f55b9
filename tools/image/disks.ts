// The volumes of an image whose manifest has disks: where they are, and making those that it gives a size and that are not there yet.
// One that is there is somebody's data, and stays as it is.
import { execa } from "execa";
import { access, rename, rm } from "node:fs/promises";
import path from "node:path";
import { hostTool } from "../debian/tools.ts";
import { KaryonError } from "../support/errors.ts";
import type { Manifest } from "./manifest.ts";

/** The name of virtual device `index`: xvda, xvdb …. */
export function diskDevice(index: number): string {
  return `xvd${String.fromCharCode(97 + index)}`;
}

/**
 * The file or block device behind disk `index`.
 *
 * @param source what the manifest says of it
 * @param elf the image, beside which volumes are made
 */
export function diskFile(source: string | number, index: number, elf: string): string {
  return typeof source === "string" ? source : `${elf.replace(/\.elf$/, "")}.${diskDevice(index)}.img`;
}

/**
 * Makes the volumes that are missing, with ext3 on them.
 *
 * @param elf the image's absolute path
 * @throws KaryonError VOLUME_NOT_MADE
 */
export async function makeVolumes({ disks }: Manifest, elf: string): Promise<void> {
  for (const [index, source] of Object.values(disks).entries()) {
    const file = diskFile(source, index, elf);
    if (typeof source === "string" || (await exists(file))) continue;
    const { command, args, env } = await hostTool("mke2fs");
    const temporary = path.join(path.dirname(file), `.${path.basename(file)}.making`);
    await rm(temporary, { force: true });
    const size = `${source / 1024}k`;
    const made = await execa(command, [...args, "-q", "-F", "-t", "ext3", temporary, size], { env, reject: false });
    if (made.failed) throw new KaryonError("VOLUME_NOT_MADE", `mke2fs cannot make ${file}: ${made.stderr.trim()}`);
    await rename(temporary, file);
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
