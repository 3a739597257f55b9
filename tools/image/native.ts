// The native stages: C and assembly to objects, objects to an ELF image.
import { copyFile, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { hostTool, type HostToolName } from "../debian/tools.ts";
import { repositoryRoot } from "./paths.ts";
import { run, runHostTool } from "./process.ts";

// x86-64-v2 has the SSE4.1 that boot/runtime.h rounds with. No red zone: Xen delivers events on the current stack.
// Frame pointers make back traces. Address 0 is a kernel address like another, whatever the compiler may think of it.
const COMPILER_FLAGS = [
  "-std=gnu11",
  "-march=x86-64-v2",
  "-mtune=generic",
  "-ffreestanding",
  "-fno-pic",
  "-fno-pie",
  "-mcmodel=small",
  "-mno-red-zone",
  "-fno-stack-protector",
  "-fcf-protection=none",
  "-fno-asynchronous-unwind-tables",
  "-fno-delete-null-pointer-checks",
  "-fno-strict-aliasing",
  "-fno-omit-frame-pointer",
  "-fno-math-errno",
  "-fno-trapping-math",
  "-ffp-contract=off",
  "-fno-ident",
  "-ffunction-sections",
  "-fdata-sections",
];

// The kernel is mostly code that runs seldom: drivers, protocol states, errors. Where it is compiled for size, what runs for every
// byte is marked hot (traffic.ts) and compiled for speed all the same. Without the strategies -Os would copy by `rep movsb`, slow for short blocks.
const SMALL = [
  "-Os",
  "-mmemcpy-strategy=unrolled_loop:64:noalign,libcall:-1:noalign",
  "-mmemset-strategy=unrolled_loop:64:noalign,libcall:-1:noalign",
];
const BALANCED = ["-O2", "-fno-align-functions", "-fno-align-loops", "-fno-align-jumps"];
// With as much inlining as -O3 has, but without its other passes, which make code longer and not faster here.
const FAST = [
  ...BALANCED,
  "--param=max-inline-insns-auto=30",
  "--param=max-inline-insns-single=200",
  "--param=inline-min-speedup=15",
];
const OPTIMIZATION: Readonly<Record<Aim, readonly string[]>> = { size: SMALL, balance: BALANCED, speed: FAST };

// --nmagic: no page alignment within the file, which Xen's loader copies segment by segment.
const LINKER_FLAGS = [
  "--nmagic",
  "-static",
  "-nostdlib",
  "--gc-sections",
  "--build-id=none",
  "-z",
  "noexecstack",
  "-z",
  "max-page-size=4096",
];

const FLAGS: Readonly<Partial<Record<HostToolName, readonly string[]>>> = {
  gcc: [...COMPILER_FLAGS, ...SMALL, ...FAST],
  ld: LINKER_FLAGS,
};

/** What of the native tools belongs into cache keys. */
export async function nativeKey(name: HostToolName): Promise<string> {
  const { command } = await hostTool(name);
  const version = (await runHostTool(name, ["--version"])).split("\n")[0] ?? "";
  return [command, version, ...(FLAGS[name] ?? [])].join(" ");
}

/** What the compiler is to save: bytes, a little of both, or instructions. */
export type Aim = "size" | "balance" | "speed";

/** Compiles one C unit, with `flags` in addition. Includes are found from the top of the repository. */
export async function compileC(source: string, object: string, aim: Aim, flags: readonly string[] = []): Promise<void> {
  await run(await hostTool("gcc"), [
    ...COMPILER_FLAGS,
    ...OPTIMIZATION[aim],
    ...flags,
    "-I",
    repositoryRoot,
    "-c",
    source,
    "-o",
    object,
  ]);
}

/** Assembles one NASM file. Includes are found from the top of the repository. */
export async function assemble(source: string, object: string): Promise<void> {
  await runHostTool("nasm", [
    "-f",
    "elf64",
    "-w+all",
    "-w-reloc-rel-dword",
    "-w-reloc-abs-dword",
    "-w-reloc-abs-qword",
    "-i",
    `${repositoryRoot}/`,
    "-o",
    object,
    source,
  ]);
}

/** Links `objects` by `script`. */
export async function link(script: string, objects: readonly string[], elf: string): Promise<void> {
  await runHostTool("ld", [...LINKER_FLAGS, "-T", script, "-o", elf, ...objects]);
}

/** Splits `elf` into what boots and what a debugger wants. */
export async function strip(elf: string, stripped: string, symbols: string): Promise<void> {
  await copyFile(elf, symbols);
  await runHostTool("strip", ["--strip-all", "-o", stripped, elf]);
}

/** Address and name of every function in the text of `elf`, ascending. */
export async function functionAddresses(elf: string): Promise<{ address: number; symbol: string }[]> {
  const lines = (await runHostTool("nm", ["-n", "--defined-only", elf])).split("\n");
  return lines.flatMap((line) => {
    const match = /^([0-9a-f]+) [tT] (\S+)$/.exec(line);
    return match === null ? [] : [{ address: parseInt(match[1] ?? "", 16), symbol: match[2] ?? "" }];
  });
}

/** Writes an assembly file that puts `data` as `label` into `section`, and assembles it. */
export async function embed(label: string, section: string, data: Uint8Array, folder: string): Promise<string> {
  const base = path.join(folder, label);
  await writeFile(`${base}.bin`, data);
  await writeFile(
    `${base}.asm`,
    `section ${section} progbits alloc noexec nowrite align=16\nglobal ${label}\n${label}:\nincbin "${base}.bin"\n`,
  );
  await assemble(`${base}.asm`, `${base}.o`);
  return `${base}.o`;
}

/** Names declared `global boot_…` in assembly source. */
export async function globalNames(sources: readonly string[]): Promise<Set<string>> {
  const texts = await Promise.all(sources.map((source) => readFile(source, "utf8")));
  return new Set(texts.flatMap((text) => [...text.matchAll(/^global boot_(\w+)/gm)].map((match) => match[1] ?? "")));
}
