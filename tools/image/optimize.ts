// The binaryen stage: admits only modules that validate with the features which translate.ts and boot/runtime.h
// implement, whoever made them.
import type Binaryen from "binaryen";
import { KaryonError } from "../support/errors.ts";

/**
 * Validates `binary` and returns it as wasm2c shall see it.
 *
 * @param what names the module in messages
 * @throws KaryonError IMAGE_BAD_WASM
 */
export async function optimizeModule(what: string, binary: Uint8Array): Promise<Uint8Array> {
  const { default: binaryen } = await import("binaryen");
  const { MutableGlobals, SignExt, NontrappingFPToInt, BulkMemory, BulkMemoryOpt, Atomics } = binaryen.Features;
  const features = MutableGlobals | SignExt | NontrappingFPToInt | BulkMemory | BulkMemoryOpt | Atomics;
  // The second parameter exists; binaryen 132's declarations still describe it as a function of its own.
  const readBinary: (data: Uint8Array, features: Binaryen.Features) => Binaryen.Module = binaryen.readBinary;
  const module = readBinary(binary, features);
  try {
    if (!module.validate()) {
      throw new KaryonError(
        "IMAGE_BAD_WASM",
        `${what} does not validate`,
        "Karyon takes WebAssembly 1.0 with sign extension, saturating conversions, bulk memory and atomics",
      );
    }
    binaryen.setDebugInfo(true);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
