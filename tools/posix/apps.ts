// Which apps use a function of the API: those that tests run on real Xen. Read from their imports.
import { readFile, readdir } from "node:fs/promises";
import { join, posix } from "node:path";
import { repositoryPath } from "../image/paths.ts";

const FOLDERS = ["apps", "test/apps"];
const IMPORT = /import \{([^}]*)\} from "karyon"/g;

/** The folders of apps by the name of a function that they import, sorted. */
export async function readUses(): Promise<ReadonlyMap<string, readonly string[]>> {
  const uses = new Map<string, Set<string>>();
  for (const folder of FOLDERS) {
    const files = (await readdir(repositoryPath(folder), { recursive: true })).sort();
    for (const file of files.filter((name) => name.endsWith(".ts"))) {
      const app = posix.join(folder, file.split(/[/\\]/)[0] ?? "");
      const text = await readFile(repositoryPath(join(folder, file)), "utf8");
      for (const [, list = ""] of text.matchAll(IMPORT)) {
        for (const name of list.split(",").map((word) => word.trim())) {
          uses.set(name, (uses.get(name) ?? new Set()).add(app));
        }
      }
    }
  }
  return new Map([...uses].map(([name, apps]) => [name, [...apps]]));
}
