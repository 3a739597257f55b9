// The images that are measured: the apps as they are in the repository, and copies of httpd that are changed for one
// measurement (under build/bench, so that the next run finds what has not changed in the cache).
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildImage, type Image } from "../image/build.ts";
import { repositoryPath } from "../image/paths.ts";
import { PEER_PAGE_SIZE } from "../lab/peer/peer.ts";
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

/** httpd with a page as long as the peer's and a fixed address ("10.0.2.20/24"). */
export async function pageImage(address: string): Promise<Image> {
  const folder = await copyHttpd("page");
  await rm(join(folder, "static"), { recursive: true });
  await mkdir(join(folder, "static"));
  const page = "<!doctype html><title>Karyon</title>".padEnd(PEER_PAGE_SIZE - 1, " ");
  await writeFile(join(folder, "static", "index.html"), `${page}\n`);
  const manifest = JSON.parse(await readFile(join(folder, "karyon.json"), "utf8")) as object;
  await writeFile(join(folder, "karyon.json"), JSON.stringify({ ...manifest, network: { address } }));
  return buildImage(folder, { output: join(BENCH_FOLDER, "page.image"), progress: stage });
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
