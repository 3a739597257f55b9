// wasm2c's C, made for an embedder with an instance per module, into the freestanding C of an image, where each module
// exists once: the template in front is cut off in favour of boot/runtime.h, instance members become file-scope
// variables, the memory becomes a constant base, and the table a constant array. The function bodies stay as wasm2c
// wrote them. Whatever is not understood is an error, never passed through.
import { tagDefinitions } from "./exceptions.ts";
import { bodyLines, rewriteBodies, uncheckedShallow } from "./function_bodies.ts";
import { functionTable } from "./function_table.ts";
import { placement } from "./traffic.ts";
import { expectItem, expectMatch, unexpected } from "./unexpected.ts";
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

/**
 * Translates what wasm2c made of `module`.
 *
 * @throws KaryonError IMAGE_TRANSLATE when the text holds something unexpected
 */
export function translateModule(name: ModuleName, generated: GeneratedC, module: WasmModule): Translation {
  const functions = definedFunctions(name, generated.source, module);
  const imports = importedFunctions(name, generated.header);
  const globals = globalVariables(name, generated);
  const table = functionTable(name, generated.source, imports);
  const written = rewriteBodies(name, generated, table);
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
