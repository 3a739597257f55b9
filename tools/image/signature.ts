// Signatures of C functions at the seam between kernel and app, and functions that only call another.
import { declaration, type Signature } from "./translate.ts";

/** C functions that the kernel's unit offers to the app's, by export name of kernel.wasm. */
export type KernelExports = Readonly<Record<string, Signature>>;

/** Whether both take and return the same. */
export function sameSignature(a: Signature, b: Signature): boolean {
  return a.result === b.result && a.parameters.join() === b.parameters.join();
}

/** The definition of `name`, which does `before` and then calls `target`. */
export function forward(name: string, signature: Signature, target: string, before: string): string {
  const call = `${target}(${argumentNames(signature).join(", ")})`;
  return `${definition(name, signature)} { ${before}${signature.result === "void" ? "" : "return "}${call}; }`;
}

/** The head of a function's definition, without its body. */
export function definition(name: string, { result, parameters }: Signature): string {
  return declaration(name, { result, parameters: parameters.map((type, i) => `${type} a${i}`) });
}

/** The names that the parameters have in definition(). */
export function argumentNames({ parameters }: Signature): string[] {
  return parameters.map((_, i) => `a${i}`);
}
