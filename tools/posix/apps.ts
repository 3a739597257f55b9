// Which apps use a function of the API: those that tests run on real Xen. Read from what they import, from "karyon" or from a module that uses it.
import { readFile, readdir } from "node:fs/promises";
import { join, posix } from "node:path";
import { repositoryPath } from "../image/paths.ts";
import { readModules, usedFunctions } from "./modules.ts";

const FOLDERS = ["apps", "test/apps"];

/** The folders of apps by the name of a function that they use, sorted. */
export async function readUses(): Promise<ReadonlyMap<string, readonly string[]>> {
  const modules = await readModules();
  const uses = new Map<string, Set<string>>();
  for (const folder of FOLDERS) {
    const files = (await readdir(repositoryPath(folder), { recursive: true })).sort();
    for (const file of files.filter((name) => name.endsWith(".ts"))) {
      const app = posix.join(folder, file.split(/[/\\]/)[0] ?? "");
      const text = await readFile(repositoryPath(join(folder, file)), "utf8");
      for (const name of usedFunctions(modules, join(folder, file), text)) {
        uses.set(name, (uses.get(name) ?? new Set()).add(app));
      }
    }
  }
  return new Map([...uses].map(([name, apps]) => [name, [...apps]]));
}
