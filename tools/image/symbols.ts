// The table of function names for back traces (kernel/trap/symbols.ts), little endian, from the symbol boot_symbols:
//   u32 count
//   count times { u24 address; u24 nameOffset }   ascending; offsets from the table's start
//   folders, each { u8 length; bytes }
//   names, each { u16 folder; u8 length; bytes }   folder: offset from the table's start, or 0; "/" comes between
// A whole name is what the programmer wrote: "libos/net/tcp/input/tcpInput"; the app's begin with "app:",
//   and what it imports with "karyon:".
import { KaryonError } from "../support/errors.ts";
import type { DefinedFunction, ModuleName } from "./translate.ts";

const LONGEST_NAME = 255;
const ENTRY_SIZE = 6;
const ADDRESS_LIMIT = 2 ** 24;

/** A function of an image. */
export interface NamedFunction {
  readonly address: number;
  /** As the programmer wrote it: "libos/net/tcp/input/tcpInput", "app:index/main". */
  readonly name: string;
}

/** C symbol to name in the source. */
export type SourceNames = Readonly<Record<string, string>>;

/** The names of a translated module's functions. */
export function sourceNames(module: ModuleName, functions: readonly DefinedFunction[]): SourceNames {
  return Object.fromEntries(
    functions.map(({ symbol, debugName }) => [symbol, module === "app" ? appName(debugName) : debugName]),
  );
}

// The app's own files are "app/index/main" to the compiler; what it imports has the name by which it does.
function appName(debugName: string): string {
  const name = debugName.replace(/^libos\/api\/(?:modules\/)?/, "karyon:");
  return name.startsWith("karyon:") ? name : `app:${name.replace(/^app\//, "")}`;
}

/**
 * Encodes the table.
 *
 * @param functions ascending by address
 * @throws KaryonError IMAGE_CODE_SIZE when the code reaches beyond 16 MiB
 */
export function symbolTable(
  functions: readonly { readonly address: number; readonly symbol: string }[],
  names: SourceNames,
): Uint8Array {
  const entries = functions
    .map(({ address, symbol }) => ({ address, ...splitName(sourceName(symbol, names)) }))
    .filter(({ address }, i, all) => all[i - 1]?.address !== address);
  const last = entries.at(-1);
  if (last !== undefined && last.address >= ADDRESS_LIMIT) {
    const mend = "leave out of the app what it does not need";
    throw new KaryonError("IMAGE_CODE_SIZE", "the image has more than 13 MiB of code, which no address names", mend);
  }
  const head = Buffer.alloc(4 + entries.length * ENTRY_SIZE);
  const folders = new StringPool(head.length);
  for (const { folder } of entries) if (folder !== "") folders.offset(Buffer.alloc(0), folder);
  const pool = new StringPool(folders.end);
  head.writeUInt32LE(entries.length, 0);
  entries.forEach(({ address, folder, name }, i) => {
    const prefix = Buffer.alloc(2);
    if (folder !== "") prefix.writeUInt16LE(folders.offset(Buffer.alloc(0), folder));
    head.writeUIntLE(address, 4 + i * ENTRY_SIZE, 3);
    head.writeUIntLE(pool.offset(prefix, name), 7 + i * ENTRY_SIZE, 3);
  });
  return Buffer.concat([head, ...folders.chunks, ...pool.chunks]);
}

/** The functions that a table from symbolTable() names, ascending by address. */
export function readSymbolTable(table: Buffer): NamedFunction[] {
  const text = (at: number): string => table.toString("utf8", at + 1, at + 1 + table.readUInt8(at));
  return Array.from({ length: table.readUInt32LE(0) }, (_, i) => 4 + i * ENTRY_SIZE).map((entry) => {
    const name = table.readUIntLE(entry + 3, 3);
    const folder = table.readUInt16LE(name);
    return {
      address: table.readUIntLE(entry, 3),
      name: folder === 0 ? text(name + 2) : `${text(folder)}/${text(name + 2)}`,
    };
  });
}

// Records { prefix; u8 length; bytes }, each once.
class StringPool {
  readonly chunks: Buffer[] = [];
  private readonly offsets = new Map<string, number>();

  constructor(public end: number) {}

  offset(prefix: Buffer, text: string): number {
    const bytes = Buffer.from(text).subarray(0, LONGEST_NAME);
    const record = Buffer.concat([prefix, Buffer.from([bytes.length]), bytes]);
    const key = record.toString("latin1");
    const known = this.offsets.get(key);
    if (known !== undefined) return known;
    const offset = this.end;
    this.offsets.set(key, offset);
    this.chunks.push(record);
    this.end += record.length;
    return offset;
  }
}

function splitName(name: string): { folder: string; name: string } {
  const slash = name.lastIndexOf("/");
  return { folder: name.slice(0, Math.max(slash, 0)), name: name.slice(slash + 1) };
}

// gcc marks what it split off or specialised: f.part.0, f.constprop.0, f.cold.
function sourceName(symbol: string, names: SourceNames): string {
  const base = symbol.replace(/\.(?:part|constprop|isra|cold|lto_priv).*$/, "");
  return names[base] ?? base;
}
