// Reads the sections of a WebAssembly module that the image lays out itself: memory, data, exports, start, names. The
// code is wasm2c's business. The module has been validated before (optimize.ts), so the encoding is taken at its word.
import { KaryonError } from "../support/errors.ts";

/** Bytes that the module wants at `offset` of its memory before it starts. */
export interface DataSegment {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What the image needs to know of a module besides its code. */
export interface WasmModule {
  /** What it imports. */
  readonly imports: readonly { readonly module: string; readonly name: string }[];
  /** Debug names of the functions that the module defines, in the order of their indices. */
  readonly functionNames: readonly string[];
  /** Exported functions that the module defines: export name to position in `functionNames`. */
  readonly exportedFunctions: ReadonlyMap<string, number>;
  /** Exported globals of type i32: export name to position among the defined globals, and initial value. */
  readonly exportedGlobals: ReadonlyMap<string, { readonly index: number; readonly value: number }>;
  readonly hasMemory: boolean;
  readonly initialPages: number;
  /** The most pages that the memory may grow to. */
  readonly maximumPages: number;
  readonly data: readonly DataSegment[];
  /** Position of the start function in `functionNames`. */
  readonly start: number | undefined;
}

const SECTION = { custom: 0, import: 2, function: 3, memory: 5, global: 6, export: 7, start: 8, data: 11 } as const;
const KIND = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;
const OPCODE = { end: 0x0b, globalGet: 0x23, i32Const: 0x41, i64Const: 0x42, f32Const: 0x43, f64Const: 0x44 } as const;
const MOST_PAGES = 65536;

/**
 * Describes the module in `binary`.
 *
 * @param what names the module in messages
 * @throws KaryonError IMAGE_BAD_WASM when the module is laid out in a way that an image cannot hold
 */
export function readModule(what: string, binary: Uint8Array): WasmModule {
  const sections = new Sections(what, binary);
  const imports = sections.imports();
  const imported = {
    functions: imports.filter(({ kind }) => kind === KIND.function).length,
    globals: imports.filter(({ kind }) => kind === KIND.global).length,
  };
  const definedCount = sections.count(SECTION.function);
  const names = sections.functionNames();
  const globals = sections.globals();
  const exports = sections.exports();
  const start = sections.reader(SECTION.start)?.unsigned();
  const memory = sections.memory();
  return {
    imports: imports.map(({ module, name }) => ({ module, name })),
    functionNames: Array.from(
      { length: definedCount },
      (_, i) => names.get(imported.functions + i) ?? `function${imported.functions + i}`,
    ),
    exportedFunctions: new Map(
      exports
        .filter((e) => e.kind === KIND.function && e.index >= imported.functions)
        .map((e) => [e.name, e.index - imported.functions]),
    ),
    exportedGlobals: new Map(
      exports
        .filter((e) => e.kind === KIND.global && e.index >= imported.globals)
        .map((e) => [e.name, { index: e.index - imported.globals, value: globals[e.index - imported.globals] ?? 0 }]),
    ),
    ...memory,
    data: sections.data(),
    start: start === undefined || start < imported.functions ? undefined : start - imported.functions,
  };
}

class Reader {
  private position = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get atEnd(): boolean {
    return this.position >= this.bytes.length;
  }

  byte(): number {
    return this.bytes[this.position++] ?? 0;
  }

  unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** A signed LEB128 number, modulo 2^32. */
  signed32(): number {
    let value = 0;
    for (let shift = 0; ;) {
      const byte = this.byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte < 0x80) return (byte & 0x40 && shift < 32 ? value | (-1 << shift) : value) >>> 0;
    }
  }

  take(length: number): Uint8Array {
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.unsigned()));
  }

  limits(): { minimum: number; maximum: number | undefined } {
    const flags = this.byte();
    const minimum = this.unsigned();
    return { minimum, maximum: flags & 1 ? this.unsigned() : undefined };
  }

  /** A constant expression of one instruction: its value if that is an i32 constant, else 0. */
  constant(): number {
    let value = 0;
    for (let opcode = this.byte(); opcode !== OPCODE.end; opcode = this.byte()) {
      if (opcode === OPCODE.i32Const) value = this.signed32();
      else if (opcode === OPCODE.i64Const) this.signed32();
      else if (opcode === OPCODE.f32Const) this.take(4);
      else if (opcode === OPCODE.f64Const) this.take(8);
      else if (opcode === OPCODE.globalGet) this.unsigned();
    }
    return value;
  }
}

class Sections {
  private readonly sections = new Map<number, Uint8Array>();
  private readonly custom = new Map<string, Reader>();

  constructor(
    private readonly what: string,
    binary: Uint8Array,
  ) {
    const reader = new Reader(binary.subarray(8));
    while (!reader.atEnd) {
      const id = reader.byte();
      const contents = reader.take(reader.unsigned());
      if (id === SECTION.custom) {
        const section = new Reader(contents);
        this.custom.set(section.name(), section);
      } else {
        this.sections.set(id, contents);
      }
    }
  }

  reader(id: number): Reader | undefined {
    const contents = this.sections.get(id);
    return contents && new Reader(contents);
  }

  count(id: number): number {
    return this.reader(id)?.unsigned() ?? 0;
  }

  private items<T>(id: number, item: (reader: Reader) => T): T[] {
    const reader = this.reader(id);
    return reader ? Array.from({ length: reader.unsigned() }, () => item(reader)) : [];
  }

  imports(): { module: string; name: string; kind: number }[] {
    return this.items(SECTION.import, (reader) => {
      const module = reader.name();
      const name = reader.name();
      const kind = reader.byte();
      if (kind === KIND.function) reader.unsigned();
      else if (kind === KIND.global) reader.take(2);
      else if (kind === KIND.tag)
        throw this.bad(`it imports ${module}.${name}, a tag`, "let the module define its own");
      else
        throw this.bad(`it imports ${module}.${name}, a memory or table`, "let the module define and export its own");
      return { module, name, kind };
    });
  }

  memory(): { hasMemory: boolean; initialPages: number; maximumPages: number } {
    const memories = this.items(SECTION.memory, (reader) => reader.limits());
    if (memories.length > 1) throw this.bad("it has more than one memory");
    const { minimum = 0, maximum = MOST_PAGES } = memories[0] ?? {};
    return { hasMemory: memories.length > 0, initialPages: minimum, maximumPages: maximum };
  }

  globals(): number[] {
    return this.items(SECTION.global, (reader) => {
      reader.take(2);
      return reader.constant();
    });
  }

  exports(): { name: string; kind: number; index: number }[] {
    return this.items(SECTION.export, (reader) => ({
      name: reader.name(),
      kind: reader.byte(),
      index: reader.unsigned(),
    }));
  }

  data(): DataSegment[] {
    return this.items(SECTION.data, (reader) => {
      if (reader.unsigned() !== 0) throw this.bad("it has passive data segments");
      return { offset: reader.constant(), bytes: reader.take(reader.unsigned()) };
    });
  }

  /** The function subsection (1) of the name section. */
  functionNames(): Map<number, string> {
    const reader = this.custom.get("name");
    while (reader && !reader.atEnd) {
      const id = reader.byte();
      const contents = new Reader(reader.take(reader.unsigned()));
      if (id === 1)
        return new Map(Array.from({ length: contents.unsigned() }, () => [contents.unsigned(), contents.name()]));
    }
    return new Map();
  }

  private bad(why: string, mend = ""): KaryonError {
    return new KaryonError("IMAGE_BAD_WASM", `${this.what}: ${why}`, mend);
  }
}
