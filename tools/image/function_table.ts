// The function table of a module, from wasm2c's C (translate.ts): what it puts into a table when an instance is made becomes a constant array.
import type { ImportedFunction, ModuleName } from "./translate.ts";
import { expectItem, expectMatch, unexpected } from "./unexpected.ts";

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

/** A module's table; without entries when it has none. */
export interface FunctionTable {
  readonly size: number;
  /** Its definition. */
  readonly lines: readonly string[];
  /** The numbers of signatures in it, by wasm2c's symbols. */
  readonly types: ReadonlyMap<string, number>;
}

/** Finds the table in wasm2c's `source`. */
export function functionTable(name: ModuleName, source: string, imports: readonly ImportedFunction[]): FunctionTable {
  const types = typeNumbers(name, source);
  const tables = [...source.matchAll(/wasm_rt_allocate_funcref_table\(&instance->\w+, (\d+), \d+\);/g)];
  if (tables.length > 1) throw unexpected("more than one table");
  const size = Number(tables[0]?.[1] ?? 0);
  const slots = new Map<number, string>();
  const init = /^ {2}funcref_table_init\(&instance->\w+, (\w+), (\d+), (\d+)u, (\d+), (\d+), instance\);$/gm;
  for (const [, segment = "", , to, from, count] of source.matchAll(init)) {
    if (Number(count) === 0) continue; // wasm2c writes NULL for a segment of none
    const elements = segmentElements(source, segment);
    for (let i = 0; i < Number(count); i++) {
      const { type, wrapper } = expectItem(elements, Number(from) + i);
      slots.set(Number(to) + i, slot(name, types.get(type), wrapper, imports));
    }
  }
  if (size === 0) return { size, lines: [], types };
  const entries = [...slots].map(([index, entry]) => `  [${index}] = ${entry},`);
  return { size, lines: [`static const struct indirect ${name}_table[${size}] = {`, ...entries, "};"], types };
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
