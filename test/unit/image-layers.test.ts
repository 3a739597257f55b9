// The column "may import" of the table of floors in docs/architecture.md: boot imports nothing, kernel imports kernel,
// libos kernel and libos, an app "karyon", its modules and itself; the tools never reach into what runs in the guest.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { describe, it } from "node:test";
import { repositoryPath, repositoryRoot } from "../../tools/image/paths.ts";

interface Import {
  readonly file: string;
  readonly target: string;
}

async function importsOf(floor: string): Promise<Import[]> {
  const entries = await readdir(repositoryPath(floor), { recursive: true, withFileTypes: true });
  const files = entries.filter((e) => e.isFile() && e.name.endsWith(".ts")).map((e) => path.join(e.parentPath, e.name));
  const lists = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, "utf8");
      const matches = text.matchAll(
        /^(?:import|export|\})[^;"'`]*? from "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm,
      );
      return [...matches].map((match) => ({ file, target: match[1] ?? match[2] ?? match[3] ?? "" }));
    }),
  );
  return lists.flat();
}

function destination({ file, target }: Import): string {
  return target.startsWith(".") ? path.relative(repositoryRoot, path.resolve(path.dirname(file), target)) : target;
}

async function checkFloor(floor: string, allowed: (imported: string, from: string) => boolean): Promise<void> {
  const imports = await importsOf(floor);
  const wrong = imports
    .filter((i) => !allowed(destination(i), path.relative(repositoryRoot, i.file)))
    .map((i) => `${path.relative(repositoryRoot, i.file)} imports ${destination(i)}`);
  assert.deepEqual(wrong, []);
  assert.ok(imports.length > 0, "the scan finds imports");
}

describe("the floors of the house", () => {
  it("kernel imports kernel only", () => checkFloor("kernel", (to) => to.startsWith("kernel/")));

  it("libos imports kernel and libos", () => checkFloor("libos", (to) => /^(?:kernel|libos)\//.test(to)));

  it("libos/api, which is compiled into apps, takes constants and layouts only from below itself", () =>
    checkFloor("libos/api", (to) =>
      /^(?:libos\/api\/|libos\/posix\/(?:(?:signal_)?constants|layout)$|kernel\/errno$)/.test(to),
    ));

  it("an app imports karyon and its own folder", () =>
    checkFloor(
      "apps",
      (to, from) => /^karyon(?:\/|$)/.test(to) || to.startsWith(`${from.split("/").slice(0, 2).join("/")}/`),
    ));

  it("tools import packages and tools", () =>
    checkFloor("tools", (to) => to.startsWith("tools/") || !/^(?:kernel|libos|apps|boot|test)\b/.test(to)));
});
