// Runs wasm2c (the wabt package ships it as a Node program). On big modules it needs more stack than Node gives, and than it has itself
// (wasm2c_stack.cjs); when it runs out it leaves a truncated file behind, so both the status and the end of the file are checked.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { KaryonError } from "../support/errors.ts";
import { run } from "./process.ts";

/** wasm2c's two files. */
export interface GeneratedC {
  readonly source: string;
  readonly header: string;
}

const STACK_KILOBYTES = 60000;

/** The version of wasm2c, for cache keys. */
export function wasm2cVersion(): string {
  const { version } = createRequire(import.meta.url)("wabt/package.json") as { version: string };
  return version;
}

/**
 * Translates `wasmFile` to C, writing its files beside it.
 *
 * @param name the prefix of the C names
 * @throws KaryonError IMAGE_TOOL_FAILED, IMAGE_WASM2C_TRUNCATED
 */
export async function runWasm2c(wasmFile: string, name: string): Promise<GeneratedC> {
  const program = path.join(path.dirname(createRequire(import.meta.url).resolve("wabt/package.json")), "bin/wasm2c");
  const output = wasmFile.replace(/\.wasm$/, ".wasm2c.c");
  // The shell raises the limit of the real stack: --stack-size alone only moves the mark beyond its end.
  const command = `ulimit -s 65536 2>/dev/null; exec "$0" "$@"`;
  await run({ command: "/bin/sh", args: ["-c", command, process.execPath], env: {} }, [
    `--stack-size=${STACK_KILOBYTES}`,
    "--require",
    path.join(import.meta.dirname, "wasm2c_stack.cjs"),
    program,
    "--enable-threads",
    "--enable-exceptions",
    "-n",
    name,
    wasmFile,
    "-o",
    output,
  ]);
  const [source, header] = await Promise.all([
    readFile(output, "utf8"),
    readFile(output.replace(/\.c$/, ".h"), "utf8"),
  ]);
  if (!source.endsWith("}\n") || !/#endif[^\n]*\n$/.test(header)) {
    throw new KaryonError("IMAGE_WASM2C_TRUNCATED", `wasm2c wrote a truncated ${output}`);
  }
  return { source, header };
}
