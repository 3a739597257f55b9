// Programs of the WASI test suite on the kernel and the fake Xen. A directory is a tmpfs, made anew for each program with what the one of the suite has.
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { SystemCall } from "../../../tools/fake-xen/coroutines.ts";
import { Host } from "../../../tools/fake-xen/host.ts";
import { APP_BASE, type Domain } from "../../../tools/fake-xen/domain.ts";
import { WASI_MODULE } from "../../../tools/image/wasi.ts";
import { suspendableModule } from "../../support/suspended_app.ts";
import { FileCalls, O_CREAT, O_WRONLY } from "../../unit/posix/file_calls.ts";
import { Process } from "../../unit/posix/machine.ts";
import { wasiApp } from "./runner.ts";
import { commandLine, compare, compareStatus, preopensOf, type Case } from "./suite.ts";

const MEMORY = 40; // MiB
const LONGEST = 600e9;
const STDOUT = 1;
const STDERR = 2;
const PLACE = "/preopens";

/** What a program has written, by descriptor. */
type Written = Record<typeof STDOUT | typeof STDERR, string>;

/** Runs a program: what is not as specified, one line each. */
export async function runCase(kernel: WebAssembly.Module, one: Case): Promise<string[]> {
  const program = await suspendableModule(new Uint8Array(await readFile(one.file)), WASI_MODULE);
  const contents = await Promise.all(preopensOf(one).map(({ folder }) => readTree(folder)));
  const places = contents.map((_, index) => `${PLACE}/${index}`);
  const mounts = places.map((place) => `tmpfs=${place}:8M`);
  const written: Written = { [STDOUT]: "", [STDERR]: "" };
  const host = new Host(kernel, 1);
  const guest = host.create({
    memory: MEMORY,
    commandLine: commandLine(one, mounts, places),
    appLowest: 0,
    app: function* (domain) {
      for (const [index, files] of contents.entries()) yield* fill(domain, `${PLACE}/${index}`, files);
      return yield* wasiApp(program, domain, (call, result) => note(domain, call, result, written));
    },
  });
  const wrong: string[] = [];
  try {
    host.world.runUntil(() => guest.domain.shutdown !== undefined, LONGEST);
    wrong.push(...compareStatus(one.specification, guest.console));
  } catch (error) {
    wrong.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
  wrong.push(...compare("stdout", one.specification.stdout, written[STDOUT]));
  wrong.push(...compare("stderr", one.specification.stderr, written[STDERR]));
  if (wrong.length > 0) wrong.push(guest.console);
  return wrong;
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
