// Lays down the starter app (starter/index.ts, a web server of one page) with a manifest and editor settings.
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseManifest } from "../image/manifest.ts";
import { displayPath, repositoryPath } from "../image/paths.ts";
import { KaryonError } from "../support/errors.ts";

/**
 * Creates an app.
 *
 * @param folder path of the new folder; a bare name stands for apps/<name> of the repository
 * @returns the absolute path
 * @throws KaryonError FOLDER_EXISTS, BAD_MANIFEST for a name that no app can have
 */
export async function createApp(folder: string): Promise<string> {
  const target = folder.includes(path.sep) ? path.resolve(folder) : repositoryPath("apps", folder);
  const name = path.basename(target);
  const manifest = json({ name, memory: "8M", network: { address: "dhcp" } });
  parseManifest(manifest, `the manifest of ${name}`);
  const present = await readdir(target).catch(() => []);
  if (present.length > 0) {
    throw new KaryonError("FOLDER_EXISTS", `${displayPath(target)} is there and not empty`, "choose another name");
  }
  await mkdir(target, { recursive: true });
  await Promise.all([
    copyFile(repositoryPath("tools/new/starter/index.ts"), path.join(target, "index.ts")),
    writeFile(path.join(target, "karyon.json"), manifest),
    writeFile(path.join(target, "tsconfig.json"), editorSettings(target)),
  ]);
  return target;
}

// Editors find the types of AssemblyScript and "karyon" here; the build does not read it.
function editorSettings(target: string): string {
  const fromTarget = (file: string): string => {
    const way = path.relative(target, repositoryPath(file));
    return way.startsWith(".") ? way : `./${way}`;
  };
  return json({
    extends: fromTarget("tsconfig.assembly.json"),
    compilerOptions: {
      paths: {
        karyon: [fromTarget("libos/api/index.ts")],
        "karyon/*": [fromTarget("libos/api/modules/*/index.ts")],
      },
    },
    include: ["."],
  });
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
