// Puts a test between forkd and what it calls: every method of a class goes through a function that may make the call or not.

type Method = (this: unknown, ...values: unknown[]) => unknown;

/** Gets the method as "Class.method", the call that was to be made, and its arguments. */
export type Interceptor = (name: string, call: () => unknown, values: readonly unknown[]) => unknown;

/** Puts `interceptor` before all methods of a class but those of `without`. */
export function intercept(
  type: { readonly name: string; readonly prototype: object },
  without: readonly string[],
  interceptor: Interceptor,
): void {
  const className = type.name.replace(/^_/, ""); // the bundler puts that before some
  const methods = type.prototype as Record<string, Method>;
  for (const name of Object.getOwnPropertyNames(methods)) {
    const method = Object.getOwnPropertyDescriptor(methods, name)?.value as unknown;
    if (name === "constructor" || without.includes(name) || typeof method !== "function") continue;
    methods[name] = function (...values) {
      return interceptor(`${className}.${name}`, () => (method as Method).apply(this, values), values);
    };
  }
}
