// A module that another toolchain has made: what it must be before the stages of the build can have it. Each reason why not is told with what to do
// about it.
import { readFile } from "node:fs/promises";
import { KaryonError } from "../support/errors.ts";
import type { Compiler } from "./compiler.ts";
import { displayPath } from "./paths.ts";
import { readModule } from "./wasm.ts";

const MAGIC = Buffer.from("\0asm");
const MODULE_VERSION = 1;
/** Where a component (WASI 0.2) has another layer than a module. */
const COMPONENT_LAYER = 0x0001_0000;
const HEADER_SIZE = 8;
/** The flag of a memory with addresses of 64 bits. */
const MEMORY64 = 4;
const MEMORY_SECTION = 5;

/** What toolchains call the features that an image can have, used or not (tool-conventions, "Target features section"). */
const KNOWN_FEATURES = new Set([
  ...["mutable-globals", "sign-ext", "nontrapping-fptoint", "bulk-memory", "bulk-memory-opt", "atomics"],
  "exception-handling",
  // Declared by new compilers for every module. Where they are used, nothing is left but them to blame.
  ...["multivalue", "reference-types", "call-indirect-overlong", "extended-const"],
]);

/**
 * The module in `file`, as the next stages want it.
 *
 * @throws KaryonError NO_PROGRAM, IMAGE_NOT_WASM, IMAGE_WASM_FEATURE, IMAGE_BAD_WASM, IMAGE_NO_START
 */
export async function admitForeign(compiler: Compiler, file: string, binary: Uint8Array): Promise<Uint8Array> {
  const what = displayPath(file);
  checkHeader(what, binary);
  const admitted = await compiler.admit(what, binary).catch((error: unknown) => {
    throw featureError(what, binary) ?? error;
  });
  const { exportedFunctions, hasMemory } = readModule(what, admitted);
  if (!exportedFunctions.has("_start")) throw noStart(what, exportedFunctions.has("_initialize"));
  if (!hasMemory) throw new KaryonError("IMAGE_BAD_WASM", `${what} has no memory`, "let the module define one");
  return admitted;
}

/**
 * The bytes of such a file.
 *
 * @throws KaryonError NO_PROGRAM
 */
export async function readForeign(file: string): Promise<Uint8Array> {
  return readFile(file).catch((error: unknown) => {
    throw new KaryonError("NO_PROGRAM", `cannot read ${displayPath(file)}`, "it is to be a WebAssembly module", {
      cause: error,
    });
  });
}

function checkHeader(what: string, binary: Uint8Array): void {
  const header = Buffer.from(binary.buffer, binary.byteOffset, binary.byteLength);
  if (header.length < HEADER_SIZE || !header.subarray(0, MAGIC.length).equals(MAGIC)) {
    const mend = "what compilers write as program.wasm is one; text (.wat) becomes one by wat2wasm";
    throw new KaryonError("IMAGE_NOT_WASM", `${what} is no WebAssembly module`, mend);
  }
  const version = header.readUInt32LE(MAGIC.length);
  if (version === MODULE_VERSION) return;
  const isComponent = (version & COMPONENT_LAYER) !== 0;
  throw new KaryonError(
    "IMAGE_NOT_WASM",
    `${what} is ${isComponent ? "a component (WASI 0.2), no module" : `of version ${version} of WebAssembly`}`,
    "build it for WASI preview 1, for example for the target wasm32-wasip1",
  );
}

/** What the module says that it has been compiled for and an image cannot have; undefined when it says nothing of the kind. */
function featureError(what: string, binary: Uint8Array): KaryonError | undefined {
  const features = [
    ...(memoryFlags(binary) & MEMORY64 ? ["memory64"] : []),
    ...targetFeatures(binary).filter((feature) => !KNOWN_FEATURES.has(feature)),
  ];
  if (features.length === 0) return undefined;
  const mend = `build it without, with clang by ${features.map((feature) => `-mno-${feature}`).join(" ")}; for memory64 the target is wasm32`;
  return new KaryonError(
    "IMAGE_WASM_FEATURE",
    `${what} needs ${features.join(", ")}, which Karyon does not have`,
    mend,
  );
}

function noStart(what: string, isReactor: boolean): KaryonError {
  const why = isReactor ? "it exports _initialize(): it is a library (a reactor)" : "it exports no _start()";
  const mend =
    "build a program with a main(): in C without -mexec-model=reactor and --no-entry, in Rust a binary crate";
  return new KaryonError("IMAGE_NO_START", `${what} has no beginning: ${why}`, mend);
}

/** Sections of the module as { id, contents }, as far as they are whole. */
function* sections(binary: Uint8Array): Generator<{ readonly id: number; readonly contents: Buffer }> {
  const bytes = Buffer.from(binary);
  for (let at = HEADER_SIZE; at < bytes.length;) {
    const { value: size, next } = unsigned(bytes, at + 1);
    yield { id: bytes[at] ?? 0, contents: bytes.subarray(next, next + size) };
    at = next + size;
  }
}

function unsigned(bytes: Buffer, from: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let at = from, scale = 1; ; at++, scale *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: at + 1 };
  }
}

function memoryFlags(binary: Uint8Array): number {
  const memory = [...sections(binary)].find(({ id }) => id === MEMORY_SECTION)?.contents;
  return memory === undefined ? 0 : (memory[unsigned(memory, 0).next] ?? 0);
}

/** The names in the section target_features that are used or required. */
function targetFeatures(binary: Uint8Array): string[] {
  const text = (bytes: Buffer, at: number): { text: string; next: number } => {
    const { value: length, next } = unsigned(bytes, at);
    return { text: bytes.toString("utf8", next, next + length), next: next + length };
  };
  for (const { id, contents } of sections(binary)) {
    const name = text(contents, 0);
    if (id !== 0 || name.text !== "target_features") continue;
    const features: string[] = [];
    const count = unsigned(contents, name.next);
    for (let i = 0, at = count.next; i < count.value && at < contents.length; i++) {
      const feature = text(contents, at + 1);
      if (contents[at] !== 0x2d) features.push(feature.text); // "-": it must not be used
      at = feature.next;
    }
    return features;
  }
  return [];
}
