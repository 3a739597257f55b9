// How large the stripped images are, and what is in them.
import { readFile, stat } from "node:fs/promises";
import { readSymbolTable } from "../image/symbols.ts";
import { section, sections } from "../support/elf.ts";
import type { Definition, Measurement, Results } from "./figures.ts";
import { appImage } from "./images.ts";
import { layerOf } from "./layers.ts";

export const SIZE_FIGURES: readonly Definition[] = [
  { name: "size-hello", title: "image of hello, stripped", part: "size", unit: "kB", target: 120 },
  { name: "size-httpd", title: "image of httpd, stripped", part: "size", unit: "kB", target: 300 },
];

const APPS = ["hello", "httpd"] as const;

/** Bytes of a file by what they are. */
export type Parts = Readonly<Record<string, number>>;

/** Measures the size-* figures, and prints what the images are made of. */
export async function measureSizes(): Promise<Results> {
  const results = new Map<string, Measurement>();
  const columns: Parts[] = [];
  for (const name of APPS) {
    const { elf, symbols } = await appImage(name);
    const { size } = await stat(elf);
    const parts = imageParts(await readFile(symbols), size);
    columns.push(parts);
    results.set(`size-${name}`, { value: size / 1000, raw: { bytes: size, parts } });
  }
  process.stdout.write(`${partsText(APPS, columns)}\n`);
  return results;
}

/**
 * What an image is made of: code by layer, and the rest.
 *
 * @param elf the image with symbols
 * @param size of the one without
 */
export function imageParts(elf: Buffer, size: number): Parts {
  const parts: Record<string, number> = {};
  const add = (part: string, bytes: number): void => void (parts[part] = (parts[part] ?? 0) + bytes);
  const text = section(elf, ".text");
  const inText = readSymbolTable(section(elf, ".symbols").content).filter(
    ({ address }) => address >= text.address && address < text.address + text.size,
  );
  inText.forEach(({ name, address }, i) => {
    add(`code: ${layerOf(name)}`, (inText[i + 1]?.address ?? text.address + text.size) - address);
  });
  add("code: boot", (inText[0]?.address ?? text.address + text.size) - text.address);
  add("names for back traces", section(elf, ".symbols").size);
  add("files", section(elf, ".files").size);
  const loaded = sections(elf).filter(({ address }) => address !== 0);
  const counted = [".text", ".symbols", ".files"];
  for (const { name, content } of loaded) if (!counted.includes(name)) add("constants and data", content.length);
  const known = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
  add("headers and alignment", size - known);
  return parts;
}

function partsText(names: readonly string[], columns: readonly Parts[]): string {
  const all = [...new Set(columns.flatMap((parts) => Object.keys(parts)))];
  const last = columns.at(-1) ?? {};
  all.sort((a, b) => (last[b] ?? 0) - (last[a] ?? 0));
  const line = (head: string, cells: readonly string[]): string =>
    head.padEnd(34) + cells.map((cell) => cell.padStart(10)).join("");
  const rows = all.map((part) =>
    line(
      part,
      columns.map((parts) => (parts[part] ?? 0).toLocaleString("en-US")),
    ),
  );
  return [line("bytes of an image", names), ...rows].join("\n");
}
