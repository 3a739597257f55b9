// Programs that others wrote, compiled from Debian's sources by the very commands that docs/wasi.md shows: what stands for the tools of a user's host
// are those that the project fetches.
import assert from "node:assert/strict";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sourcePackage } from "../../../tools/debian/sources.ts";
import { hostTool } from "../../../tools/debian/tools.ts";
import { StageCache } from "../../../tools/image/cache.ts";
import { repositoryPath } from "../../../tools/image/paths.ts";
import { run } from "../../../tools/image/process.ts";

/** A program of docs/wasi.md. */
export interface Documented {
  /** Its heading there; in lower case the name of the file and of its folder in build. */
  readonly title: string;
  /** The package of Debian with its sources. */
  readonly source: string;
}

const cache = new StageCache(repositoryPath("build/cache"));

/** The text of such a block below a heading. */
export async function documentedBlock(title: string, language: "sh" | "json"): Promise<string> {
  const text = await readFile(repositoryPath("docs/wasi.md"), "utf8");
  const section = new RegExp(`^### ${title}\\n([^]*?)(?=^##|(?![^]))`, "m").exec(text)?.[1] ?? "";
  const block = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "m").exec(section)?.[1];
  assert.ok(block !== undefined, `docs/wasi.md has no ${language} below ${title}`);
  return block;
}

/** The program's module, by the commands of docs/wasi.md. */
export async function compileDocumented({ title, source }: Documented): Promise<Uint8Array> {
  const commands = await documentedBlock(title, "sh");
  const sources = await sourcePackage(source);
  const clang = await hostTool("wasi-clang");
  const libc = repositoryPath("test/fake/wasi/libc");
  const ours = await Promise.all(["setjmp.h", "setjmp.c", "missing.c"].map((file) => readFile(path.join(libc, file))));
  const changelog = await readFile(path.join(sources, "debian/changelog"), "utf8");
  const key = [commands, changelog, clang.command, await readFile(import.meta.filename), ...ours];
  const name = title.toLowerCase();
  const file = `${name}.wasm`;
  const folder = await cache.stage("documented", key, async (output) => {
    const work = await mkdtemp(path.join(tmpdir(), "karyon-documented-"));
    try {
      const tools = path.join(work, ".tools");
      await mkdir(tools);
      await symlink(repositoryPath("test"), path.join(work, "test"));
      await command(tools, "apt-get", [`ln -s '${sources}' "$2-0"`]);
      await command(tools, "npm", []);
      const environment = Object.entries(clang.env).map(([name, value]) => `${name}='${value}'`);
      await command(tools, "clang", [
        `for argument; do shift; case "$argument" in --sysroot=*) ;; *) set -- "$@" "$argument";; esac; done`,
        [...environment, "exec", `'${clang.command}'`, ...clang.args.map((arg) => `'${arg}'`), '"$@"'].join(" "),
      ]);
      const env = { PATH: `${tools}:${process.env["PATH"] ?? ""}` };
      await run({ command: "/bin/sh", args: [], env }, ["-e", "-c", commands], work);
      await copyFile(path.join(work, "build", name, file), path.join(output, file));
    } finally {
      await rm(work, { recursive: true });
    }
  });
  return new Uint8Array(await readFile(path.join(folder, file)));
}

async function command(folder: string, name: string, lines: readonly string[]): Promise<void> {
  const file = path.join(folder, name);
  await writeFile(file, ["#!/bin/sh", ...lines, ""].join("\n"));
  await chmod(file, 0o755);
}
