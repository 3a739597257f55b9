// Runs one external program of the pipeline. Its output is shown only when it fails; any non-zero status, signal or
// missing executable is an error that names the program.
import { basename } from "node:path";
import { execa } from "execa";
import { hostTool, type HostTool, type HostToolName } from "../debian/tools.ts";
import { KaryonError } from "../support/errors.ts";

const MAX_LINES = 40;

/**
 * Runs `tool` and returns what it wrote to its standard output.
 *
 * @throws KaryonError IMAGE_TOOL_FAILED with the program's own words
 */
export async function run(tool: HostTool, args: readonly string[], cwd?: string): Promise<string> {
  const result = await execa(tool.command, [...tool.args, ...args], {
    reject: false,
    stdin: "ignore",
    maxBuffer: 256 * 1024 * 1024,
    env: tool.env,
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (!result.failed) return result.stdout;
  const words = [result.stderr, result.stdout].filter((text) => text !== "").join("\n");
  const status = result.exitCode === undefined ? (result.signal ?? result.originalMessage ?? "") : result.exitCode;
  throw new KaryonError("IMAGE_TOOL_FAILED", `${basename(tool.command)} failed: ${status}\n${firstLines(words)}`);
}

/** Runs a program of the host, fetched from Debian when the host lacks it. */
export async function runHostTool(name: HostToolName, args: readonly string[], cwd?: string): Promise<string> {
  return run(await hostTool(name), args, cwd);
}

function firstLines(text: string): string {
  const lines = text.split("\n");
  if (lines.length <= MAX_LINES) return text;
  return [...lines.slice(0, MAX_LINES), `… and ${lines.length - MAX_LINES} more lines`].join("\n");
}
