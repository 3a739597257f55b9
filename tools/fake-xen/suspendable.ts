// Makes a kernel's wasm able to stop in the middle of an import and go on later (binaryen's Asyncify), so that thread
// switches, sleeping in Xen and the app's start work under Node, where a wasm stack cannot be switched. And an app's, for its system calls.
import binaryen from "binaryen";

/** Imports in which the kernel may be stopped. */
const SUSPENDING_IMPORTS = [
  "boot.hypercall",
  "boot.contextSwitch",
  "boot.forkContext",
  "boot.appStart",
  "boot.appThreadStart",
  "with_*",
];

/** What asc uses, and Node 20 knows. */
const { Features } = binaryen;
export const FEATURES =
  Features.Atomics |
  Features.BulkMemory |
  Features.BulkMemoryOpt |
  Features.MutableGlobals |
  Features.NontrappingFPToInt |
  Features.SignExt;

/** The kernel's module with Asyncify's exports added. */
export function makeSuspendable(binary: Uint8Array): Uint8Array {
  return suspendable(binary, SUSPENDING_IMPORTS);
}

/** The same for an app's module, which may be stopped in what it imports from the module `imported`. */
export function makeAppSuspendable(binary: Uint8Array, imported = "posix"): Uint8Array {
  return suspendable(binary, [`${imported}.*`]);
}

function suspendable(binary: Uint8Array, imports: readonly string[]): Uint8Array {
  const module = binaryen.readBinary(binary);
  try {
    module.setFeatures(FEATURES | Features.ExceptionHandling);
    binaryen.setPassArgument("asyncify-imports", imports.join(","));
    binaryen.setDebugInfo(true); // names in stack traces
    binaryen.setOptimizeLevel(1);
    module.runPasses(["asyncify"]);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
