// wasm2c's C, made for an embedder with an instance per module, into the freestanding C of an image, where each module
// exists once: the template in front is cut off in favour of boot/runtime.h, instance members become file-scope
// variables, the memory becomes a constant base, and the table a constant array. The function bodies stay as wasm2c
// wrote them. Whatever is not understood is an error, never passed through.
import { KaryonError } from "../support/errors.ts";
import { EXCEPTION_RUNTIME, tagDefinitions, withBraces } from "./exceptions.ts";
import { placement } from "./traffic.ts";
import type { GeneratedC } from "./wasm2c.ts";
import type { WasmModule } from "./wasm.ts";

/** Which of the two modules of an image; the names of its C symbols begin with it. */
export type ModuleName = "kernel" | "app";

/** A C function type, as text. */
export interface Signature {
  /** u32, u64, f32, f64 or void */
  readonly result: string;
  readonly parameters: readonly string[];
}

/** A function the module imports. */
export interface ImportedFunction extends Signature {
  readonly module: string;
  readonly name: string;
  /** The C function that the translated bodies call. */
  readonly symbol: string;
}

/** A function the module defines. */
export interface DefinedFunction extends Signature {
  /** Static C symbol. */
  readonly symbol: string;
  /** Name in the source, for example "kernel/log/log". */
  readonly debugName: string;
}

/** A translated module. */
export interface Translation {
  /** Types, prototypes, globals, table; then the bodies. It wants the imports' symbols declared before. */
  readonly text: string;
  readonly imports: readonly ImportedFunction[];
  readonly functions: readonly DefinedFunction[];
  /** Exported functions by export name. */
  readonly exports: ReadonlyMap<string, DefinedFunction>;
  /** C symbols of the exported globals by export name. */
  readonly globals: ReadonlyMap<string, string>;
  /** Assignments that give all globals the values with which the module begins. */
  readonly globalsReset: readonly string[];
  readonly start: DefinedFunction | undefined;
  /** C definitions that exceptions take; empty when the module has none. */
  readonly tags: readonly string[];
}

/** The most stack, in words of eight bytes, that a function may need without a stack check; each variable counts as one. */
const SHALLOW_WORDS = 64;
/** Return address, frame pointer, alignment. */
const FRAME_WORDS = 4;

/**
 * Translates what wasm2c made of `module`.
 *
 * @throws KaryonError IMAGE_TRANSLATE when the text holds something unexpected
 */
export function translateModule(name: ModuleName, generated: GeneratedC, module: WasmModule): Translation {
  const functions = definedFunctions(name, generated.source, module);
  const imports = importedFunctions(name, generated.header);
  const globals = globalVariables(name, generated);
  const types = typeNumbers(name, generated.source);
  const table = functionTable(name, generated.source, types, imports);
  const written = rewriteBodies(name, bodies(name, generated.source), {
    types,
    tableSize: table.size,
    memory: memoryMember(generated),
  });
  const lengths = bodyLines(name, written);
  const text = [
    ...functions.map(
      (f) => `static ${placement(name, f.debugName, lengths.get(f.symbol) ?? 0)} ${declaration(f.symbol, f)};`,
    ),
    ...globals.map((global) => `static ${global.type} ${global.symbol} = ${global.initial};`),
    ...table.lines,
    "",
    uncheckedShallow(name, written),
  ].join("\n");
  const exports = new Map([...module.exportedFunctions].map(([key, i]) => [key, expectItem(functions, i)]));
  return {
    text,
    imports,
    functions,
    exports,
    globals: new Map([...module.exportedGlobals].map(([key, { index }]) => [key, expectItem(globals, index).symbol])),
    globalsReset: globals.map((global) => `${global.symbol} = ${global.initial};`),
    start: module.start === undefined ? undefined : expectItem(functions, module.start),
    tags: tagDefinitions(generated.source),
  };
}

/** How many lines of C each function has, by its symbol. */
function bodyLines(name: ModuleName, text: string): Map<string, number> {
  const body = new RegExp(`^\\w+ (w2c_${name}_\\w+)\\(.*\\) \\{\\n([^]*?)^\\}$`, "gm");
  return new Map([...text.matchAll(body)].map(([, symbol = "", lines = ""]) => [symbol, lines.split("\n").length]));
}

/** The C declaration of `symbol`, without semicolon. */
export function declaration(symbol: string, { result, parameters }: Signature): string {
  return `${result} ${symbol}(${parameters.length === 0 ? "void" : parameters.join(", ")})`;
}

function definedFunctions(name: ModuleName, source: string, module: WasmModule): DefinedFunction[] {
  const prototype = new RegExp(`^static (\\w+) (w2c_${name}_\\w+)\\(w2c_${name}\\*(?:, )?(.*)\\);$`, "gm");
  const found = [...source.matchAll(prototype)].map((match) => signature(match[1], match[3], match[2]));
  if (found.length !== module.functionNames.length) {
    throw unexpected(`${found.length} prototypes for ${module.functionNames.length} functions`);
  }
  return found.map((f, index) => ({ ...f, debugName: expectItem(module.functionNames, index) }));
}

function importedFunctions(name: ModuleName, header: string): ImportedFunction[] {
  const pattern = /^\/\* import: '(.*)' '(.*)' \*\/\n(?:(\w+) (w2c_\w+)\(struct w2c_\w+\*(?:, )?(.*)\);|.*)$/gm;
  return [...header.matchAll(pattern)].map((match) => {
    const [, module = "", base = "", result, symbol, parameters] = match;
    if (result === undefined || symbol === undefined) throw unexpected(`import ${module}.${base} is not a function`);
    return { ...signature(result, parameters, symbol.replace(/^w2c/, `${name}_import`)), module, name: base };
  });
}

function signature(result = "", parameters = "", symbol = ""): Signature & { symbol: string } {
  const list = parameters === "" ? [] : parameters.split(", ");
  for (const type of [result, ...list]) {
    if (!/^(u32|u64|f32|f64|void)$/.test(type)) throw unexpected(`type ${type} of ${symbol}`);
  }
  return { symbol, result, parameters: list };
}

interface GlobalVariable {
  readonly symbol: string;
  readonly type: string;
  readonly initial: string;
}

function globalVariables(name: ModuleName, { source, header }: GeneratedC): GlobalVariable[] {
  const struct = expectMatch(header, new RegExp(`^typedef struct w2c_${name} \\{\\n([^}]*)^\\} w2c_${name};$`, "m"));
  const init = /^static void init_globals\([^]*?^\}$/m.exec(source)?.[0] ?? "";
  const initials = new Map(
    [...init.matchAll(/^ {2}instance->(w2c_\w+) = (.*);$/gm)].map((match) => [match[1], match[2] ?? ""]),
  );
  return [...(struct[1] ?? "").matchAll(/^ {2}(u32|u64|f32|f64) (w2c_\w+);$/gm)].map((match) => {
    const [, type = "", member = ""] = match;
    const initial = initials.get(member);
    if (initial === undefined) throw unexpected(`no initial value of ${member}`);
    return { symbol: globalSymbol(name, member), type, initial: constantExpression(initial) };
  });
}

function globalSymbol(name: ModuleName, member: string): string {
  return member.replace(/^w2c_/, `${name}_global_`);
}

// wasm2c writes NaN by its bits, through a function, which no static initialiser may call.
function constantExpression(text: string): string {
  const nan = /^f(32|64)_reinterpret_i\1\((0x[0-9a-f]+)\)(?: \/\* .* \*\/)?$/.exec(text);
  if (nan === null) {
    if (!/^[-+.\w]+$/.test(text)) throw unexpected(`initial value ${text}`);
    return text;
  }
  const wide = nan[1] === "64";
  const bits = BigInt(nan[2] ?? "0");
  const fraction = wide ? 52n : 23n;
  const quiet = 1n << (fraction - 1n);
  const payload = `"0x${(bits & (quiet - 1n)).toString(16)}"`;
  const sign = bits >> (wide ? 63n : 31n) === 1n ? "-" : "";
  return `${sign}__builtin_nan${(bits & quiet) === 0n ? "s" : ""}${wide ? "" : "f"}(${payload})`;
}

// wasm2c names a signature by the hash of its text: equal hashes get equal numbers, from 1.
function typeNumbers(name: ModuleName, source: string): Map<string, number> {
  const numbers = new Map<string, number>();
  const byHash = new Map<string, number>();
  for (const [, symbol = "", hash = ""] of source.matchAll(
    new RegExp(`^FUNC_TYPE_T\\((w2c_${name}_\\w+)\\) = (".*");$`, "gm"),
  )) {
    const number = byHash.get(hash) ?? byHash.size + 1;
    byHash.set(hash, number);
    numbers.set(symbol, number);
  }
  return numbers;
}

interface FunctionTable {
  readonly size: number;
  readonly lines: readonly string[];
}

function functionTable(
  name: ModuleName,
  source: string,
  types: ReadonlyMap<string, number>,
  imports: readonly ImportedFunction[],
): FunctionTable {
  const tables = [...source.matchAll(/wasm_rt_allocate_funcref_table\(&instance->\w+, (\d+), \d+\);/g)];
  if (tables.length > 1) throw unexpected("more than one table");
  const size = Number(tables[0]?.[1] ?? 0);
  const slots = new Map<number, string>();
  const init = /^ {2}funcref_table_init\(&instance->\w+, (\w+), (\d+), (\d+)u, (\d+), (\d+), instance\);$/gm;
  for (const [, segment = "", , to, from, count] of source.matchAll(init)) {
    const elements = segmentElements(source, segment);
    for (let i = 0; i < Number(count); i++) {
      const { type, wrapper } = expectItem(elements, Number(from) + i);
      slots.set(Number(to) + i, slot(name, types.get(type), wrapper, imports));
    }
  }
  if (size === 0) return { size, lines: [] };
  const entries = [...slots].map(([index, entry]) => `  [${index}] = ${entry},`);
  return { size, lines: [`static const struct indirect ${name}_table[${size}] = {`, ...entries, "};"] };
}

function slot(
  name: ModuleName,
  type: number | undefined,
  wrapper: string,
  imports: readonly ImportedFunction[],
): string {
  if (type === undefined) throw unexpected(`type of ${wrapper}`);
  const symbol = wrapper.replace(/^wrap_/, "");
  const imported = imports.find((f) => f.symbol === symbol.replace(/^w2c/, `${name}_import`));
  return `{(void (*)(void))${imported?.symbol ?? symbol}, ${type}}`;
}

function segmentElements(source: string, segment: string): { type: string; wrapper: string }[] {
  const block = expectMatch(
    source,
    new RegExp(`^static const wasm_elem_segment_expr_t ${segment}\\[\\] = \\{\\n([^]*?)^\\};$`, "m"),
  );
  return (block[1] ?? "")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const match = expectMatch(line, /^ {2}\{RefFunc, (\w+), \(wasm_rt_function_ptr_t\)(\w+), \{NULL\}, 0\},$/);
      return { type: match[1] ?? "", wrapper: match[2] ?? "" };
    });
}

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

interface BodyContext {
  readonly types: ReadonlyMap<string, number>;
  readonly tableSize: number;
  readonly memory: string;
}

function rewriteBodies(name: ModuleName, text: string, { types, tableSize, memory }: BodyContext): string {
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
      return `CALL_INDIRECT(${name}_table, ${tableSize}, ${result} (*)(${parameters || "void"}), ${number}, ${index}`;
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

/**
 * Takes the stack check from functions that cannot be on a recursion's way and need little stack, those that they call included:
 * below the limit is room for them (app.h). Without the check the compiler can put them into their callers.
 */
function uncheckedShallow(name: ModuleName, text: string): string {
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

function expectMatch(text: string, pattern: RegExp): RegExpExecArray {
  const match = pattern.exec(text);
  if (match === null) throw unexpected(`nothing like ${pattern.source}`);
  return match;
}

function expectItem<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw unexpected(`index ${index} of ${items.length}`);
  return item;
}

function unexpected(what: string): KaryonError {
  return new KaryonError("IMAGE_TRANSLATE", `wasm2c's output is not understood: ${what}`);
}
