// The table of function names for back traces (kernel/trap/symbols.ts), little endian, from the symbol boot_symbols:
//   u32 count
//   count times { u32 address; u32 nameOffset }   ascending; offsets from the table's start
//   names, each { u8 length; bytes }
// A name is what the programmer wrote: "libos/net/tcp/input/tcpInput"; the app's begin with "app:".
import type { DefinedFunction, ModuleName } from "./translate.ts";

const LONGEST_NAME = 255;

/** C symbol to name in the source. */
export type SourceNames = Readonly<Record<string, string>>;

/** The names of a translated module's functions. */
export function sourceNames(module: ModuleName, functions: readonly DefinedFunction[]): SourceNames {
  return Object.fromEntries(
    functions.map(({ symbol, debugName }) => [symbol, module === "app" ? appName(debugName) : debugName]),
  );
}

// The app's own files are "app/index/main" to the compiler.
function appName(debugName: string): string {
  return `app:${debugName.replace(/^app\//, "")}`;
}

/**
 * Encodes the table.
 *
 * @param functions ascending by address
 */
export function symbolTable(
  functions: readonly { readonly address: number; readonly symbol: string }[],
  names: SourceNames,
): Uint8Array {
  const entries = functions
    .map(({ address, symbol }) => ({ address, name: sourceName(symbol, names) }))
    .filter(({ address }, i, all) => all[i - 1]?.address !== address);
  const offsets = new Map<string, number>();
  const texts: Buffer[] = [];
  let end = 4 + entries.length * 8;
  for (const { name } of entries) {
    if (offsets.has(name)) continue;
    offsets.set(name, end);
    const text = Buffer.from(name).subarray(0, LONGEST_NAME);
    texts.push(Buffer.from([text.length]), text);
    end += 1 + text.length;
  }
  const head = Buffer.alloc(4 + entries.length * 8);
  head.writeUInt32LE(entries.length, 0);
  entries.forEach(({ address, name }, i) => {
    head.writeUInt32LE(address, 4 + i * 8);
    head.writeUInt32LE(offsets.get(name) ?? 0, 8 + i * 8);
  });
  return Buffer.concat([head, ...texts]);
}

// gcc marks what it split off or specialised: f.part.0, f.constprop.0, f.cold.
function sourceName(symbol: string, names: SourceNames): string {
  const base = symbol.replace(/\.(?:part|constprop|isra|cold|lto_priv).*$/, "");
  return names[base] ?? base;
}
