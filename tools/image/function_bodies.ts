// The function bodies of a module, from wasm2c's C (translate.ts): as it wrote them, without the instance that it hands around, and without stack checks
// where none is needed.
import { EXCEPTION_RUNTIME, withBraces } from "./exceptions.ts";
import type { FunctionTable } from "./function_table.ts";
import type { ModuleName } from "./translate.ts";
import { unexpected } from "./unexpected.ts";
import type { GeneratedC } from "./wasm2c.ts";

/** The most stack, in words of eight bytes, that a function may need without a stack check; each variable counts as one. */
const SHALLOW_WORDS = 64;
/** Return address, frame pointer, alignment. */
const FRAME_WORDS = 4;

// The function bodies are the rest of the file after the last piece of the embedder's interface.
function bodies(name: ModuleName, source: string): string {
  const header = `wasm_rt_func_type_t wasm2c_${name}_get_func_type(`;
  const start = source.indexOf(header);
  const end = source.indexOf("\n}\n", start);
  if (start < 0 || end < 0) throw unexpected(`no ${header}`);
  return source.slice(end + 3);
}

function memoryMember({ header }: GeneratedC): string {
  return /^ {2}wasm_rt_(?:shared_)?memory_t w2c_(\w+);$/m.exec(header)?.[1] ?? "memory";
}

/** The bodies without an instance: members are file-scope variables, calls go to the module's own functions and table. */
export function rewriteBodies(name: ModuleName, generated: GeneratedC, { types, size }: FunctionTable): string {
  const text = bodies(name, generated.source);
  const memory = memoryMember(generated);
  const upper = name.toUpperCase();
  const member = "instance->w2c_";
  const indirect = new RegExp(
    `CALL_INDIRECT\\(${member}\\w+, (\\w+) \\(\\*\\)\\(void\\*(?:, )?([^)]*)\\), (\\w+), (\\w+), ${member}\\w+\\.data\\[\\w+\\]\\.module_instance`,
    "g",
  );
  const rewritten = withBraces(text.replace(/^#if WASM_RT_USE_SEGUE_FOR_THIS_MODULE\n[^#]*#endif\n/gm, ""))
    .replace(indirect, (_match, result: string, parameters: string, type: string, index: string) => {
      const number = types.get(type);
      if (number === undefined) throw unexpected(`type ${type}`);
      return `CALL_INDIRECT(${name}_table, ${size}, ${result} (*)(${parameters || "void"}), ${number}, ${index}`;
    })
    .replaceAll("FUNC_PROLOGUE;", `${upper}_PROLOGUE;`)
    .replace(/^ {2}FUNC_EPILOGUE;\n/gm, "")
    .replaceAll(`wasm_rt_grow_memory(&${member}${memory}, `, `${name}_memory_grow(`)
    .replaceAll(`wasm_rt_grow_shared_memory(&${member}${memory}, `, `${name}_memory_grow(`)
    .replaceAll(`${member}${memory}.pages`, `${name}_memory_size()`)
    .replaceAll(`&${member}${memory}`, `${upper}_MEMORY`)
    .replace(/\b(\w+?)(?:_shared)?(?:_default32)\(/g, "$1(")
    .replace(new RegExp(`\\b(memory_(?:copy|fill))_shared\\(`, "g"), "$1(")
    .replace(new RegExp(`\\bw2c_(\\w+)\\(${member}\\w+_instance(?:, )?`, "g"), `${name}_import_$1(`)
    .replace(new RegExp(`\\b(w2c_${name}_\\w+)\\(w2c_${name}\\* instance\\)`, "g"), "$1(void)")
    .replace(new RegExp(`\\b(w2c_${name}_\\w+)\\(w2c_${name}\\* instance, `, "g"), "$1(")
    .replace(new RegExp(`\\b(w2c_${name}_\\w+)\\(instance(?:, )?`, "g"), "$1(")
    .replace(new RegExp(`${member}(\\w+)`, "g"), `${name}_global_$1`);
  const leftover = /^.*\b(?:instance|wasm_rt_\w+)\b.*$/m.exec(rewritten.replace(EXCEPTION_RUNTIME, ""));
  if (leftover !== null) throw unexpected(leftover[0].trim());
  return rewritten;
}

/** How many lines of C each function has, by its symbol. */
export function bodyLines(name: ModuleName, text: string): Map<string, number> {
  const body = new RegExp(`^\\w+ (w2c_${name}_\\w+)\\(.*\\) \\{\\n([^]*?)^\\}$`, "gm");
  return new Map([...text.matchAll(body)].map(([, symbol = "", lines = ""]) => [symbol, lines.split("\n").length]));
}

/**
 * Takes the stack check from functions that cannot be on a recursion's way and need little stack, those that they call included:
 * below the limit is room for them (app.h). Without the check the compiler can put them into their callers.
 */
export function uncheckedShallow(name: ModuleName, text: string): string {
  const prologue = `  ${name.toUpperCase()}_PROLOGUE;\n`;
  const calls = new RegExp(`\\b(w2c_${name}_\\w+|${name}_import_\\w+|${name}_memory_grow|CALL_INDIRECT)\\(`, "g");
  const parts = text.split(/(?<=^\}\n)/m).map((part) => {
    const [head = "", body] = part.split(prologue);
    const called = [...(body ?? "").matchAll(calls)].map((match) => match[1] ?? "");
    const symbol = new RegExp(`\\b(w2c_${name}_\\w+)\\([^;]*$`).exec(head)?.[1] ?? "";
    return { part, head, body, symbol, called, variables: new Set(body?.match(/\bvar_\w+/g)).size };
  });
  // Words of stack by function. What is on a cycle never gets in, because it would have to be there before.
  const shallow = new Map<string, number>();
  for (let known = -1; known < shallow.size;) {
    known = shallow.size;
    for (const { symbol, body, called, variables } of parts) {
      if (body === undefined || shallow.has(symbol) || body.includes("WASM_RT_UNWIND_TARGET")) continue;
      const words = FRAME_WORDS + variables + Math.max(0, ...called.map((callee) => shallow.get(callee) ?? Infinity));
      if (words <= SHALLOW_WORDS) shallow.set(symbol, words);
    }
  }
  return parts.map(({ part, head, body, symbol }) => (shallow.has(symbol) ? head + (body ?? "") : part)).join("");
}
