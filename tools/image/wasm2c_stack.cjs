// Loaded before wasm2c: gives it a larger stack. The program of the npm package is WebAssembly made by Emscripten, whose own stack of 64 KiB is used up by
// functions with some hundred cases in a switch, which are as many blocks in each other. Here that stack is at the end of 1 GiB of memory, far above all that
// the program allocates. The exports have short names: the one function with one argument is Emscripten's stackAlloc().
const MEMORY = 2 ** 30;
const PAGE = 65536;
const { WebAssembly } = globalThis;
const { instantiate } = WebAssembly;

// @ts-expect-error: wasm2c calls it in this form only
WebAssembly.instantiate = async (/** @type {BufferSource} */ binary, /** @type {WebAssembly.Imports} */ imports) => {
  const made = await instantiate(binary, imports);
  const exported = Object.values(made.instance.exports);
  const [memory] = exported.filter((value) => value instanceof WebAssembly.Memory);
  const [allocate, another] = exported.filter((value) => typeof value === "function" && value.length === 1);
  if (memory === undefined || typeof allocate !== "function" || another !== undefined) {
    throw new Error("wasm2c is not the version of package-lock.json");
  }
  memory.grow((MEMORY - memory.buffer.byteLength) / PAGE);
  allocate(Number(allocate(0)) - MEMORY);
  return made;
};
