// To which part of the house a function belongs, by its name in an image (tools/image/symbols.ts): "app:index/main" as it was written,
// "app_start" for the seam between the modules, into which the compiler has often put what it leads to.

const LAYERS: readonly (readonly [beginning: RegExp, layer: string])[] = [
  [/^(?:app|karyon)[:_]/, "app"],
  [/^libos\/net\//, "net"],
  [/^libos\//, "libos"],
  [/^kernel[/_]/, "kernel"],
  [/^~lib\//, "AssemblyScript's library"],
];

/** "app", "net", "libos", "kernel", …; "boot" has what does not come from AssemblyScript. */
export function layerOf(name: string): string {
  return LAYERS.find(([beginning]) => beginning.test(name))?.[1] ?? "boot";
}
