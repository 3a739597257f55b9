// Programs with a specification beside them, as the WASI test suite has them (github.com/WebAssembly/wasi-testsuite, doc/specification.md): foo.wasm,
// and foo.json, which says what it is given and what it must do. Of that what concerns preview 1: arguments, environment, the directory that the program
// sees as "/" (in older versions directories by their names), exit status and what it writes.
// A directory is a tmpfs here, made anew for each program with what the one of the suite has.
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { SystemCall } from "../../../tools/fake-xen/coroutines.ts";
import { Host } from "../../../tools/fake-xen/host.ts";
import { APP_BASE, type Domain } from "../../../tools/fake-xen/domain.ts";
import { WASI_MODULE } from "../../../tools/image/wasi.ts";
import { suspendableModule } from "../../support/suspended_app.ts";
import { FileCalls, O_CREAT, O_WRONLY } from "../../unit/posix/file_calls.ts";
import { Process } from "../../unit/posix/machine.ts";
import { wasiApp } from "./runner.ts";

/** What manifests of the suite call preview 1. */
const PREVIEW1 = "wasm32-wasip1";
const MEMORY = 40; // MiB
const LONGEST = 600e9;
const STDOUT = 1;
const STDERR = 2;
const PLACE = "/preopens";

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

/** What a program has written, by descriptor. */
type Written = Record<typeof STDOUT | typeof STDERR, string>;
type Specification = z.output<typeof plain>;

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

/** Runs a program: what is not as specified, one line each. */
export async function runCase(kernel: WebAssembly.Module, { file, specification }: Case): Promise<string[]> {
  const program = await suspendableModule(new Uint8Array(await readFile(file)), WASI_MODULE);
  const preopens = preopensOf(specification);
  const contents = await Promise.all(preopens.map(({ folder }) => readTree(path.join(path.dirname(file), folder))));
  const written: Written = { [STDOUT]: "", [STDERR]: "" };
  const host = new Host(kernel, 1);
  const guest = host.create({
    memory: MEMORY,
    commandLine: commandLine(specification, preopens),
    appLowest: 0,
    app: function* (domain) {
      for (const [index, files] of contents.entries()) yield* fill(domain, `${PLACE}/${index}`, files);
      return yield* wasiApp(program, domain, (call, result) => note(domain, call, result, written));
    },
  });
  const wrong: string[] = [];
  const compare = (what: string, expected: string | undefined, told: string): void => {
    if (expected !== undefined && told !== expected)
      wrong.push(`${what} is ${JSON.stringify(told)}, not ${JSON.stringify(expected)}`);
  };
  try {
    host.world.runUntil(() => guest.domain.shutdown !== undefined, LONGEST);
    const status = /app: exit status (\d+)/.exec(guest.console)?.[1];
    compare("the exit status", String(specification.exit_code), status ?? "missing");
  } catch (error) {
    wrong.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
  compare("stdout", specification.stdout, written[STDOUT]);
  compare("stderr", specification.stderr, written[STDERR]);
  if (wrong.length > 0) wrong.push(guest.console);
  return wrong;
}

/** The folders of the suite by what the program calls them. */
function preopensOf({ root, dirs }: Specification): { readonly name: string; readonly folder: string }[] {
  const folders = dirs.map((name) => ({ name, folder: name }));
  return typeof root === "string" ? [{ name: "/", folder: root }, ...folders] : folders;
}

function commandLine({ args, env }: Specification, preopens: readonly { readonly name: string }[]): string {
  const word = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
  const mounts = preopens.map(({ name }, index) => `tmpfs=${PLACE}/${index}:8M preopen=${name}:${PLACE}/${index}`);
  const variables = Object.entries(env).map(([name, value]) => `env.${name}=${word(value)}`);
  const opened = mounts.length > 0 ? mounts : ["preopen=off"];
  return ["ip=off", ...opened, ...variables, "--", ...args.map(word)].join(" ");
}

/** Paths below `folder` with their contents, directories (without) before what is in them; suites have neither links nor large files. */
async function readTree(folder: string): Promise<(readonly [string, Uint8Array | undefined])[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const tree = entries.map(async (entry) => {
    const file = path.join(entry.parentPath, entry.name);
    return [
      path.relative(folder, file),
      entry.isDirectory() ? undefined : new Uint8Array(await readFile(file)),
    ] as const;
  });
  return (await Promise.all(tree)).sort(([a], [b]) => (a < b ? -1 : 1));
}

function* fill(
  domain: Domain,
  place: string,
  files: readonly (readonly [string, Uint8Array | undefined])[],
): Generator<SystemCall, void, number | bigint> {
  const process = new Process(domain);
  const calls = new FileCalls(process);
  for (const [name, contents] of files) {
    if (contents === undefined) {
      yield* calls.mkdir(`${place}/${name}`);
      continue;
    }
    const fd = yield* calls.open(`${place}/${name}`, O_CREAT | O_WRONLY);
    yield* calls.write(fd, contents);
    yield* calls.call("close", fd);
  }
}

/** Keeps what the program has written to the console. */
function note(domain: Domain, { name, args }: SystemCall, result: number, written: Written): void {
  const [fd = 0, pieces = 0, , done = 0] = args.map(Number);
  if (name !== "fd_write" || result !== 0 || (fd !== STDOUT && fd !== STDERR)) return;
  const word = (at: number): number => domain.memory.view.getUint32(APP_BASE + at, true);
  let left = word(done);
  for (let at = pieces; left > 0; at += 8) {
    const length = Math.min(left, word(at + 4));
    written[fd] += Buffer.from(domain.memory.slice(APP_BASE + word(at), length)).toString();
    left -= length;
  }
}
