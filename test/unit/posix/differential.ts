// Random operations on files and, the same ones, on a directory of the host: every result, error, listing, content and status is that of Linux. A test for
// each seed. More of them: KARYON_FILE_SEEDS=20 or KARYON_FILE_OPERATIONS=100000.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import type { Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import type { FileCalls } from "./file_calls.ts";
import { type Outcome, Operations, compareTrees, operate } from "./file_operations.ts";

const OPERATIONS = Number(process.env["KARYON_FILE_OPERATIONS"] ?? 10_000);
const SEEDS = Number(process.env["KARYON_FILE_SEEDS"] ?? 3);

/** Where the operations are done, below the same paths here and on the host. */
export class Differential {
  readonly operations: Operations;
  /** The directory of both that all is in; it lies in that for temporary files, where the file system of the app must be. */
  readonly root = mkdtempSync(path.join(tmpdir(), "karyon-"));
  readonly #base = path.join(this.root, "above", "base");
  #outcome: Outcome = { succeeded: 0, errors: new Set() };

  constructor(
    readonly kernel: WebAssembly.Module,
    readonly seed: number,
  ) {
    mkdirSync(this.#base, { recursive: true });
    process.chdir(this.#base);
    this.operations = new Operations(new Random(seed), this.#base);
  }

  /** Does the operations on both, and compares what is left. */
  *run(files: FileCalls): Piece<void> {
    this.#outcome = yield* operate(files, this.operations, this.#base, OPERATIONS);
    assert.ok((yield* this.compare(files)) > 0, "something is left");
  }

  /** Compares all files, of which it tells the number. */
  compare(files: FileCalls): Piece<number> {
    return compareTrees(files, path.dirname(this.#base));
  }

  /** Checks that the operations were worth while. */
  check(): void {
    const { succeeded, errors } = this.#outcome;
    assert.ok(succeeded > OPERATIONS / 4, `${succeeded} have succeeded`);
    assert.ok(errors.size > 20, [...errors].join(", "));
  }

  /** Removes what the host has. */
  remove(): void {
    this.operations.closeHost();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/**
 * The tests of a file system.
 *
 * @param what names them, by their seed
 * @param run runs apps that have it at the directory for temporary files, one of which runs the operations
 */
export function testDifferences(
  what: (seed: number) => string,
  run: (both: Differential) => void | Promise<void>,
): void {
  let kernel: WebAssembly.Module;
  const start = process.cwd();
  const mask = process.umask(0);
  before(async () => {
    kernel = await fakeKernel();
  });
  after(() => {
    process.chdir(start);
    process.umask(mask);
  });
  for (let seed = 1; seed <= SEEDS; seed++) {
    test(`${OPERATIONS} operations, ${what(seed)}, seed ${seed}`, async () => {
      const both = new Differential(kernel, seed);
      try {
        await run(both);
      } finally {
        process.chdir(start);
        both.remove();
      }
      both.check();
    });
  }
}
