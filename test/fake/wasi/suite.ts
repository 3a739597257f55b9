// Programs with a specification beside them, as the WASI test suite has them (github.com/WebAssembly/wasi-testsuite, doc/specification.md): foo.wasm,
// and foo.json, which says what it is given and what it must do. Of that what concerns preview 1: arguments, environment, the directory that the program
// sees as "/" (in older versions directories by their names), exit status and what it writes.
// They run on the fake Xen (suite_fake.ts) and on the real one (test/lab/wasi_testsuite.test.ts).
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

/** What manifests of the suite call preview 1. */
const PREVIEW1 = "wasm32-wasip1";

const texts = z.array(z.string()).default([]);
const environment = z.record(z.string(), z.string()).default({});
const root = z.string().nullish();
const plain = z.strictObject({
  args: texts,
  env: environment,
  root,
  dirs: texts,
  exit_code: z.int().default(0),
  stdout: z.string().optional(),
  stderr: z.string().optional(),
});
const operation = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("run"), args: texts, env: environment, root }),
  z.strictObject({ type: z.literal("wait"), exit_code: z.int().default(0) }),
  z.strictObject({
    type: z.literal("read"),
    id: z.enum(["stdout", "stderr"]).default("stdout"),
    payload: z.string().default(""),
  }),
]);
const operations = z.strictObject({ operations: z.array(operation), proposals: texts });

/** What is specified of a program. */
export type Specification = z.output<typeof plain>;

/** A program and what is specified of it. */
export interface Case {
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  readonly specification: Specification;
}

/** A folder of such programs. */
export interface Suite {
  readonly name: string;
  readonly cases: readonly Case[];
}

/** The suites for preview 1 in `folder` and below. */
export async function findSuites(folder: string): Promise<Suite[]> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".wasm")).sort();
  const folders = [...new Set(files.map((file) => path.join(folder, path.dirname(file))))];
  const suites = await Promise.all(folders.map(readSuite));
  return suites.filter((suite) => suite !== undefined);
}

async function readSuite(folder: string): Promise<Suite | undefined> {
  const manifest = await readJson(path.join(folder, "manifest.json"));
  const about = z.object({ name: z.string(), version: z.string().default(PREVIEW1) }).safeParse(manifest).data;
  if (about !== undefined && about.version !== PREVIEW1) return undefined;
  const names = (await readdir(folder)).filter((name) => name.endsWith(".wasm")).sort();
  const cases = names.map(async (name) => {
    const file = path.join(folder, name);
    const specification = parseSpecification(await readJson(file.replace(/\.wasm$/, ".json")));
    return { name: path.basename(name, ".wasm"), file, specification };
  });
  return { name: about?.name ?? path.basename(folder), cases: await Promise.all(cases) };
}

/** What the file has; of none the default. */
async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch(() => "{}");
  return JSON.parse(text);
}

/** A specification of either form. */
export function parseSpecification(json: unknown): Specification {
  if (typeof json !== "object" || json === null || !("operations" in json)) return plain.parse(json);
  const all: z.input<typeof plain> = {};
  for (const step of operations.parse(json).operations) {
    if (step.type === "run") Object.assign(all, { args: step.args, env: step.env, root: step.root });
    else if (step.type === "wait") all.exit_code = step.exit_code;
    else all[step.id] = (all[step.id] ?? "") + step.payload;
  }
  return plain.parse(all);
}

/** A folder of the suite, and what the program calls it. */
export interface Preopen {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
}

/** The folders that a program begins with. */
export function preopensOf({ file, specification: { root, dirs } }: Case): Preopen[] {
  const folders = dirs.map((name) => ({ name, folder: name }));
  const all = typeof root === "string" ? [{ name: "/", folder: root }, ...folders] : folders;
  return all.map(({ name, folder }) => ({ name, folder: path.join(path.dirname(file), folder) }));
}

/**
 * The kernel's command line for a program.
 *
 * @param options for what is not specified: stack, mounts
 * @param places where its preopens are, in their order
 */
export function commandLine(one: Case, options: readonly string[], places: readonly string[]): string {
  const { args, env } = one.specification;
  const word = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
  const preopens = preopensOf(one).map(({ name }, index) => `preopen=${name}:${places[index]}`);
  const variables = Object.entries(env).map(([name, value]) => `env.${name}=${word(value)}`);
  const opened = preopens.length > 0 ? preopens : ["preopen=off"];
  return ["ip=off", ...options, ...opened, ...variables, "--", ...args.map(word)].join(" ");
}

/** One line when something is not what is specified of it; none when nothing is specified. */
export function compare(what: string, expected: string | undefined, told: string): string[] {
  if (expected === undefined || told === expected) return [];
  return [`${what} is ${JSON.stringify(told)}, not ${JSON.stringify(expected)}`];
}

/** One line when the console does not tell of the exit status that is specified. */
export function compareStatus({ exit_code }: Specification, console: string): string[] {
  const status = /app: exit status (\d+)/.exec(console)?.[1];
  return compare("the exit status", String(exit_code), status ?? "missing");
}
