// A program of this repository as one file that dom0's Node runs; koffi stays outside.
import { build } from "esbuild";
import { KaryonError } from "../support/errors.ts";

/**
 * The bundle of `entry`, an ECMAScript module.
 *
 * @throws KaryonError BUNDLE
 */
export async function bundle(entry: string): Promise<Buffer> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["koffi"],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    write: false,
    logLevel: "silent",
  });
  const [output] = outputFiles;
  if (output === undefined) throw new KaryonError("BUNDLE", `esbuild gave no output for ${entry}`);
  return Buffer.from(output.contents);
}
