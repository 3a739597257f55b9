// Programs in JavaScript that execve one another, on the real kernel: a domain whose image has several.
import assert from "node:assert/strict";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import { Host } from "../../tools/fake-xen/host.ts";
import { filesBlob } from "../../tools/image/files.ts";
import { Process } from "../unit/posix/machine.ts";
import type { Piece } from "./calls.ts";

const PATH = 0x2000;
const ARGUMENTS = 0x8000;
const ENVIRONMENT = 0xc000;
const AT_FDCWD = -100;

/** How an execve differs from the usual. */
export interface Execution {
  readonly words?: readonly string[];
  readonly environment?: readonly string[];
  readonly directory?: number;
  readonly flags?: number;
}

/** A process that may become another program. */
export class ProgramProcess extends Process {
  private texts(at: number, texts: readonly string[]): readonly [number, number] {
    const bytes = Buffer.from(texts.map((text) => `${text}\0`).join(""));
    this.put(at, bytes);
    return [at, bytes.length];
  }

  /** execveat; returns only errors. */
  execute(
    path: string,
    { words = ["x"], environment = [], directory = AT_FDCWD, flags = 0 }: Execution = {},
  ): Piece<number> {
    this.put(PATH, Buffer.from(path));
    return this.call(
      "posix_execveat",
      directory,
      ...[PATH, Buffer.byteLength(path)],
      ...this.texts(ARGUMENTS, words),
      ...this.texts(ENVIRONMENT, environment),
      flags,
    );
  }

  private *got(name: string, size: number): Piece<string[]> {
    const length = yield* this.call(name, ARGUMENTS, size);
    assert.ok(length >= 0, `${name}: ${length}`);
    return this.get(ARGUMENTS, length).toString().split("\0").slice(0, -1);
  }

  *startArguments(): Piece<string[]> {
    return yield* this.got("programs_arguments_get", yield* this.call("programs_arguments_size"));
  }

  *startEnvironment(): Piece<string[]> {
    return yield* this.got("programs_environment_get", yield* this.call("programs_environment_size"));
  }

  *programName(): Piece<string | undefined> {
    return (yield* this.got("posix_program_name", 256))[0];
  }
}

/** A program: its exit status is 0. */
export type Program = (process: ProgramProcess, domain: Domain) => Piece<void>;

/**
 * Boots an image of these programs, of which the first begins; returns the console when the domain has ended.
 *
 * @param options of the command line
 */
export function runPrograms(
  kernel: WebAssembly.Module,
  programs: Readonly<Record<string, Program>>,
  options = "",
): string {
  const host = new Host(kernel, 1);
  const names = Object.keys(programs);
  const file = { data: Buffer.from("text\n"), modified: 0n };
  const files = [
    ...names.map((name, i) => ({ ...file, path: `/bin/${name}`, program: i + 1 })),
    { ...file, path: "/etc/text" },
    // A number that the image has no program of.
    { ...file, path: "/bin/beyond", program: names.length + 1 },
  ];
  let failure: unknown;
  const app = (program: Program) =>
    function* (domain: Domain): App {
      const process = new ProgramProcess(domain);
      process.now = () => host.world.now;
      try {
        yield* program(process, domain);
        return 0;
      } catch (error) {
        failure = error;
        return 1;
      }
    };
  const apps = Object.values(programs).map(app);
  const [first] = apps;
  assert.ok(first !== undefined);
  const guest = host.create({
    commandLine: `ip=off ${options} env.A=1 -- one two`,
    files: filesBlob(files),
    app: first,
    programs: apps,
  });
  host.world.runUntil(() => guest.domain.shutdown !== undefined || failure !== undefined, 3600e9);
  if (failure !== undefined) throw failure;
  assert.equal(guest.domain.shutdown, "poweroff", guest.console);
  return guest.console;
}
