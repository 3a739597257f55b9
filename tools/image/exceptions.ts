// Exceptions of WebAssembly in wasm2c's C, which calls a runtime for them: boot/exceptions.h has it under the same names. Only the unit of an app
// whose module has a tag includes that.
import type { KernelExports } from "./signature.ts";

/** Ends a program for an exception that nothing catches. */
const UNCAUGHT = "wasiUncaught";

/** What boot/exceptions.h has of wasm2c's runtime; the bodies may go on calling it. */
export const EXCEPTION_RUNTIME =
  /\bwasm_rt_(?:try|throw|(?:load_)?exception|exception_(?:tag|size)|[gs]et_unwind_target|tag_t|memcpy)\b/g;

/** C definitions of the module's tags. */
export function tagDefinitions(source: string): string[] {
  const tags = [...source.matchAll(/^static const wasm_tag_placeholder_t (\w+);$/gm)].map(([, name = ""]) => name);
  // A number each: what is equal could be put at one address.
  return tags.map((name, i) => `static wasm_tag_placeholder_t ${name} = ${i};`);
}

const CATCH = "if (wasm_rt_exception_tag() == ";

/**
 * wasm2c (1.0.39) forgets the braces of a catch_all behind other catches: only its first statement belongs to the else that it writes. The
 * statements are those down to the first line that is indented less.
 */
export function withBraces(text: string): string {
  if (!text.includes(CATCH)) return text;
  const lines = text.split("\n");
  const written: string[] = [];
  // The indentations of the ifs whose else is still to come, and of the elses that are open, the innermost last.
  const ifs: number[] = [];
  const elses: number[] = [];
  for (const [number, line] of lines.entries()) {
    const indentation = line.search(/\S/);
    while (indentation >= 0 && indentation < (elses.at(-1) ?? 0)) written.push(`${" ".repeat(elses.pop() ?? 0)}}`);
    if (line.startsWith(CATCH, indentation)) ifs.push(indentation);
    const rest = indentation === ifs.at(-1) ? /^ *\} else (.*)$/.exec(line)?.[1] : undefined;
    if (rest === undefined || rest.startsWith(CATCH)) {
      written.push(line);
      continue;
    }
    ifs.pop();
    if (rest === "{" && lines[number + 1]?.trim() === "wasm_rt_throw();") {
      written.push(line); // no catch_all: there it is right
    } else {
      elses.push(indentation);
      written.push(`${" ".repeat(indentation)}} else {`, rest);
    }
  }
  return written.join("\n");
}

/** The runtime for a unit with `tags`. */
export function exceptionRuntime(tags: readonly string[], kernel: KernelExports): string[] {
  if (tags.length === 0) return [];
  const end = kernel[UNCAUGHT] === undefined ? "" : `enterKernel(); kernel_${UNCAUGHT}(); `;
  return [
    '#include "boot/exceptions.h"',
    `void kernel_${UNCAUGHT}(void);`,
    `static void exceptionUncaught(void) { ${end}trap(TRAP_UNREACHABLE); }`,
    ...tags,
  ];
}
