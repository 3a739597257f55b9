// What system calls say to arguments that cannot be, one argument at a time: a table of calls that succeed (argument_tables.ts), in which each argument
// is then exchanged for others – descriptors that are not open, pointers to what is not the app's, paths that are none, numbers out of range.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, describe, test } from "node:test";
import { repositoryPath } from "../../../tools/image/paths.ts";
import { fakeKernel } from "../../support/fake.ts";
import type { Piece } from "../../fake/calls.ts";
import { DESCRIPTORS, ELSEWHERE, FILES, LASTING, PROCESS, SOCKETS } from "./argument_tables.ts";
import { AT_FDCWD, NOT_MADE, prepare, type Call, type Things, type Word } from "./arguments.ts";
import { type Process, runApp } from "./machine.ts";

const EXDEV = 18;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function text(name: string, args: readonly Word[]): string {
  return `${name}(${args.map((value) => (typeof value === "number" && value > 4096 ? `0x${value.toString(16)}` : value)).join(", ")})`;
}

function* check(process: Process, table: (things: Things) => Readonly<Record<string, Call>>): Piece<void> {
  const things = yield* prepare(process);
  const wrong: string[] = [];
  const expect = function* (name: string, args: readonly Word[], error: number): Piece<void> {
    const result = yield* process.call(`posix_${name}`, ...args);
    const isRight = error === 0 ? result >= 0 : result === -error;
    if (!isRight) wrong.push(`${text(name, args)}: ${result}, not ${error === 0 ? "a success" : -error}`);
  };
  for (const [name, [args, failure = 0]] of Object.entries(table(things))) {
    for (const [i, { bad }] of args.entries()) {
      for (const [words, error] of bad) {
        const all = args.flatMap(({ good }, j) => (i === j ? words : good));
        yield* expect(name, all, error);
      }
    }
    if (failure === NOT_MADE) continue;
    yield* expect(
      name,
      args.flatMap(({ good }) => good),
      failure,
    );
  }
  assert.deepEqual(wrong, []);
}

const TABLES = { FILES, DESCRIPTORS, SOCKETS, PROCESS, LASTING };

describe("each argument of a call by itself", () => {
  for (const [what, table] of Object.entries(TABLES)) {
    test(what.toLowerCase(), () => {
      runApp(kernel, (process) => check(process, table), { "/embedded": "text" });
    });
  }

  test("no call that takes arguments is left out", async () => {
    const source = await readFile(repositoryPath("libos", "api", "posix.ts"), "utf8");
    const calls = [...source.matchAll(/^export declare function (\w+)\(([^)]*)/gm)];
    const withArguments = calls.filter(([, , list]) => list?.trim() !== "").map(([, name]) => name);
    const rows: string[] = [...ELSEWHERE];
    runApp(kernel, function* (process) {
      const things = yield* prepare(process);
      for (const table of Object.values(TABLES)) rows.push(...Object.keys(table(things)));
    }, { "/embedded": "text" }); // prettier-ignore
    assert.deepEqual(rows.sort(), withArguments.sort());
  });
});

test("renames and links do not leave their file system", () => {
  runApp(
    kernel,
    function* (process) {
      const things = yield* prepare(process);
      const [from, to] = [things.path("/embedded"), things.path("/tmp/x")];
      assert.equal(yield* process.call("posix_linkat", AT_FDCWD, ...from, AT_FDCWD, ...to, 0), -EXDEV);
      assert.equal(yield* process.call("posix_renameat", AT_FDCWD, ...from, AT_FDCWD, ...to), -EXDEV);
    },
    { "/embedded": "text" },
  );
});
