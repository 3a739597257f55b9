// The static data of the two modules as C.
import { KaryonError } from "../support/errors.ts";
import type { DataSegment, WasmModule } from "./wasm.ts";

const KERNEL_BASE = 0x300000; // as in boot/image.ld and asconfig.json
/** The alignment of the two parts of the kernel's static data, zeros and the rest. */
const MEMORY_ALIGNMENT = 16;
/** Fewer zeros than this at the beginning of the kernel's static data stay with the rest. */
const WORTH_A_SEGMENT = 4096;
/** Zeros between two segments of an app's data that are copied with them. */
const LARGEST_GAP = 64;

/**
 * Static data of kernel.wasm stands at its wasm addresses, which are guest-virtual addresses. What is zero at its beginning
 * (memory.data without contents comes first) takes no room in the file.
 *
 * @throws KaryonError IMAGE_BAD_WASM
 */
export function kernelData(module: WasmModule): string {
  const base = module.exportedGlobals.get("__heap_base")?.value;
  if (base === undefined || base < KERNEL_BASE) {
    throw new KaryonError("IMAGE_BAD_WASM", "kernel.wasm has no __heap_base");
  }
  const image = Buffer.alloc(base - KERNEL_BASE);
  for (const { offset, bytes } of module.data) image.set(bytes, offset - KERNEL_BASE);
  const first = image.findIndex((byte) => byte !== 0);
  const leading = first < 0 ? image.length : first;
  const zeros = leading < WORTH_A_SEGMENT ? 0 : leading - (leading % MEMORY_ALIGNMENT);
  const rest = image.subarray(zeros);
  return [
    `u8 kernel_memory_zeros[${zeros}] ${sectionAttribute(".bss.kernel_memory")};`,
    `u8 kernel_memory_image[${rest.length}] ${sectionAttribute(".kernel_memory")} = ${bytesLiteral(rest)};`,
  ].join("\n");
}

function sectionAttribute(section: string): string {
  return `__attribute__((section("${section}"), aligned(${MEMORY_ALIGNMENT}), used, retain))`;
}

/**
 * Static data of app.wasm is copied to the app's memory when it starts.
 *
 * @param unit what the names of the unit's C symbols begin with
 * @param reset statements that do the same for what is not in memory, in a program that may start more than once
 */
export function appData({ data }: WasmModule, unit = "app", reset: readonly string[] = []): string {
  const runs = joined(data.filter(({ bytes }) => bytes.length > 0));
  return [
    ...runs.map(({ bytes }, i) => `static const u8 app_data${i}[${bytes.length}] = ${bytesLiteral(bytes)};`),
    `void ${unit}_dataCopy(void) {`,
    ...reset.map((statement) => `  ${statement}`),
    ...runs.map(({ offset }, i) => `  memcpy((void*)(APP_MEMORY + ${offset}u), app_data${i}, sizeof app_data${i});`),
    "}",
  ].join("\n");
}

// Segments that follow closely upon each other, as one with zeros between them: the copy of an array and its alignment cost more.
// asc's are in order; of others a later one may be meant to lie over an earlier one.
function joined(segments: readonly DataSegment[]): readonly DataSegment[] {
  const runs: DataSegment[] = [];
  for (const segment of segments) {
    const last = runs.at(-1);
    const gap = last === undefined ? Infinity : segment.offset - last.offset - last.bytes.length;
    if (gap < 0) return segments;
    if (last === undefined || gap > LARGEST_GAP) runs.push(segment);
    else
      runs.splice(-1, 1, { offset: last.offset, bytes: Buffer.concat([last.bytes, Buffer.alloc(gap), segment.bytes]) });
  }
  return runs;
}

// A string literal is what the compiler reads fastest.
function bytesLiteral(bytes: Uint8Array): string {
  if (bytes.length === 0) return "{}";
  const lines: string[] = [];
  for (let i = 0; i < bytes.length; i += 64) {
    lines.push(
      `  "${Array.from(bytes.subarray(i, i + 64), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}"`,
    );
  }
  return `\n${lines.join("\n")}`;
}
