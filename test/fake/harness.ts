// kernel.wasm for the fake Xen: kernel and libos as the image has them, and where their static data ends.
export * from "../../libos/main";

/** One past the static data. */
export function staticDataEnd(): usize {
  return __heap_base;
}
