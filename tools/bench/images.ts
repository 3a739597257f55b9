// The images that are measured: the apps as they are in the repository, and copies of httpd that are changed for one
// measurement (under build/bench, so that the next run finds what has not changed in the cache).
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { buildImage, type Image } from "../image/build.ts";
import { repositoryPath } from "../image/paths.ts";
import { logger } from "../support/log.ts";

/** Where the bench keeps what it makes. */
export const BENCH_FOLDER = repositoryPath("build/bench");

const built = new Map<string, Promise<Image>>();

/** The image of an app of this repository; built once per run. */
export function appImage(name: string): Promise<Image> {
  let image = built.get(name);
  if (image === undefined) {
    image = buildImage(repositoryPath("apps", name), { progress: stage });
    built.set(name, image);
  }
  return image;
}

/** httpd, or what `manifest` of its folder makes of it, with these files (path below the root → content). */
export async function filesImage(files: Readonly<Record<string, Buffer>>, manifest = "karyon.json"): Promise<Image> {
  const name = basename(manifest, ".json");
  const folder = await copyHttpd(`files-${name}`);
  await rm(join(folder, "static"), { recursive: true });
  await mkdir(join(folder, "static"));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, "static", name), content);
  return buildImage(join(folder, manifest), { output: join(BENCH_FOLDER, `files-${name}.image`), progress: stage });
}

/** A copy of httpd's folder under build/bench. */
export async function copyHttpd(name: string): Promise<string> {
  const folder = join(BENCH_FOLDER, name);
  await rm(folder, { recursive: true, force: true });
  await cp(repositoryPath("apps/httpd"), folder, { recursive: true });
  return folder;
}

function stage(name: string): void {
  logger.start(name);
}
