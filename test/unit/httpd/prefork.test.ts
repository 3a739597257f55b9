// The architecture prefork without processes: its command line, its scoreboard, and how many workers it wants when.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileAssembly } from "../../support/assembly.ts";

const [STARTING, IDLE, SERVING, ENDING] = [0, 1, 2, 3];
const [TELLS, ASKS] = [0, 1];

interface Exports {
  readonly memory: WebAssembly.Memory;
  inputBuffer(): number;
  outputBuffer(): number;
  configure(length: number): number;
  option(index: number): number;
  add(pid: number, now: bigint): void;
  reports(pid: number, kind: number, state: number, requests: number, connections: number): number;
  toStart(now: bigint, looks: number): number;
  dismiss(looks: number): number;
  ended(pid: number, well: number, now: bigint): void;
  failed(now: bigint): void;
  delay(now: bigint): bigint;
  restart(): void;
  count(): number;
  snapshot(now: bigint, start: bigint): number;
}

const module = compileAssembly("test/unit/httpd/harness_prefork.ts", {
  runtime: "incremental",
  memoryBase: 4096,
  packages: {
    karyon: "libos/api/index.ts",
    "karyon/http/message": "libos/api/modules/http/message/index.ts",
  },
});

/** Process 1's decisions, with pids and a clock of its own. */
class Prefork {
  now = 0n;
  private pid = 1;

  private constructor(readonly wasm: Exports) {}

  static async with(line: string): Promise<Prefork> {
    const prefork = await Prefork.unconfigured();
    assert.equal(prefork.complaint(line), "");
    return prefork;
  }

  static async unconfigured(): Promise<Prefork> {
    const stop = (): never => {
      throw new Error("abort");
    };
    const imports: WebAssembly.ModuleImports = {};
    const wanted = WebAssembly.Module.imports(await module).filter((entry) => entry.module === "posix");
    for (const { name } of wanted) imports[name] = stop;
    const instance = new WebAssembly.Instance(await module, { env: { abort: stop }, posix: imports });
    return new Prefork(instance.exports as unknown as Exports);
  }

  complaint(line: string): string {
    const { wasm } = this;
    const length = Buffer.from(wasm.memory.buffer, wasm.inputBuffer()).write(line);
    return Buffer.from(wasm.memory.buffer, wasm.outputBuffer(), wasm.configure(length)).toString();
  }

  /** Starts what is wanted now; the pids. With `idle` they get ready at once. */
  start(looks = true, idle = true): number[] {
    const pids = Array.from({ length: this.wasm.toStart(this.now, looks ? 1 : 0) }, () => ++this.pid);
    for (const pid of pids) {
      this.wasm.add(pid, this.now);
      if (idle) this.is(pid, IDLE);
    }
    return pids;
  }

  is(pid: number, state: number, requests = 0): void {
    this.wasm.reports(pid, TELLS, state, requests, 1);
  }

  /** Who is told to end now. */
  dismissed(looks = true): number[] {
    const pids: number[] = [];
    for (let pid = this.wasm.dismiss(looks ? 1 : 0); pid !== 0; pid = this.wasm.dismiss(0)) pids.push(pid);
    return pids;
  }

  ended(pid: number, well = true): void {
    this.wasm.ended(pid, well ? 1 : 0, this.now);
  }
}

test("the command line", async () => {
  const prefork = await Prefork.unconfigured();
  const values = (): number[] => Array.from({ length: 7 }, (_, i) => prefork.wasm.option(i));
  assert.equal(prefork.complaint(""), "");
  assert.deepEqual(values(), [0, 4, 1, 8, 16, 0, 80]);
  const all = "--workers 2 --min-spare 3 --max-spare 5 --max-workers 9 --max-requests 1000 --port 8080 --log --status";
  assert.equal(prefork.complaint(`fork ${all}`), "");
  assert.deepEqual(values(), [1, 2, 3, 5, 9, 1000, 8080]);
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["poll", /"poll" is not an architecture of this image: prefork or fork/],
    ["--log prefork", /"prefork" has to be the first argument/],
    ["--workers", /--workers takes a number from 1 to 64, not nothing/],
    ["--workers 0", /not "0"/],
    ["--workers 17", /--workers 17 is more than --max-workers 16/],
    ["--max-workers 65", /--max-workers takes a number from 1 to 64/],
    ["--min-spare 9", /--min-spare 9 is more than --max-spare 8/],
    ["--max-requests 1e3", /--max-requests takes a number from 0 to 999999, not "1e3"/],
    ["--max-connections 0", /--max-connections takes/],
    ["--frob 1", /unknown option "--frob"/],
  ];
  for (const [line, complaint] of wrong) assert.match(prefork.complaint(line), complaint, line);
});

test("as many workers as --workers at least, started at once, replaced when they end", async () => {
  const prefork = await Prefork.with("--workers 3");
  assert.deepEqual(prefork.start(), [2, 3, 4]);
  assert.deepEqual(prefork.start(), []);
  prefork.now = 10_000n;
  prefork.ended(3, false);
  assert.deepEqual(prefork.start(false), [5], "also between two looks at the idle ones");
  prefork.is(4, ENDING);
  assert.deepEqual(prefork.start(false), [6], "who takes no more connections is replaced before it has gone");
  assert.deepEqual(prefork.dismissed(), []);
});

test("too few idle workers: one more, then two, four; too many: one at each look, and never a busy one", async () => {
  const prefork = await Prefork.with("--workers 2 --min-spare 4 --max-spare 4 --max-workers 12");
  for (const pid of prefork.start(false)) prefork.is(pid, SERVING);
  const started = [1, 2, 4, 3].map((expected) => {
    const pids = prefork.start();
    assert.equal(pids.length, expected);
    for (const pid of pids) prefork.is(pid, SERVING);
    return pids;
  });
  assert.deepEqual(prefork.start(), [], "--max-workers");
  for (const pid of started.flat()) prefork.is(pid, IDLE);
  assert.deepEqual(prefork.dismissed(false), []);
  let left = started.flat();
  for (let i = 0; i < 6; i++) {
    const gone = prefork.dismissed();
    assert.equal(gone.length, 1);
    left = left.filter((pid) => pid !== gone[0]);
  }
  assert.deepEqual(prefork.dismissed(), []);
  assert.equal(left.length, 4);
});

test("a restart: an old worker is told to end when a new one has taken its place", async () => {
  const prefork = await Prefork.with("--workers 3");
  const old = prefork.start();
  prefork.is(2, SERVING);
  prefork.wasm.restart();
  assert.deepEqual(prefork.dismissed(), []);
  const [first, second, third] = prefork.start(true, false);
  assert.ok(first && second && third);
  assert.deepEqual(prefork.dismissed(), [], "those that are starting replace nobody");
  prefork.is(first, IDLE);
  assert.deepEqual(prefork.dismissed(), [3]);
  assert.deepEqual(prefork.dismissed(), []);
  prefork.is(second, IDLE);
  assert.deepEqual(prefork.dismissed(), [4], "the idle one before the busy one");
  prefork.is(third, IDLE);
  assert.deepEqual(prefork.dismissed(), [2]);
  prefork.is(2, SERVING, 5);
  for (const pid of old) prefork.ended(pid);
  assert.deepEqual([prefork.start(), prefork.dismissed(), prefork.wasm.count()], [[], [], 3]);
});

test("a restart keeps as many as there were, within the children that there may be", async () => {
  const prefork = await Prefork.with("--workers 2 --max-workers 5 --min-spare 5 --max-spare 5");
  while (prefork.start().length > 0);
  assert.equal(prefork.wasm.count(), 5);
  prefork.wasm.restart();
  assert.equal(prefork.start(false, false).length, 4, "four more than --max-workers");
  assert.deepEqual(prefork.start(false, false), []);
  assert.deepEqual(prefork.dismissed(false), [2], "one makes room where none of the new ones is ready");
});

test("workers that die at once: the next one waits, longer each time, until one lives", async () => {
  const prefork = await Prefork.with("--workers 1");
  const delays: number[] = [];
  for (let i = 0; i < 10; i++) {
    const [pid] = prefork.start();
    assert.ok(pid !== undefined);
    prefork.now += 100n;
    prefork.ended(pid, false);
    const delay = prefork.wasm.delay(prefork.now);
    delays.push(Number(delay));
    prefork.now += delay - 1n;
    assert.deepEqual(prefork.start(), []);
    prefork.now += 1n;
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  const [pid] = prefork.start();
  prefork.now += 3000n;
  prefork.ended(pid ?? 0, false);
  assert.equal(prefork.wasm.delay(prefork.now), 0n);
  prefork.start();
  prefork.wasm.failed(prefork.now);
  assert.equal(prefork.wasm.delay(prefork.now), 250n);
});

test("the scoreboard: what it tells, and that those who have ended stay in the sums", async () => {
  const prefork = await Prefork.with("--workers 2");
  prefork.now = 1000n;
  prefork.start();
  assert.equal(prefork.wasm.reports(2, TELLS, SERVING, 7, 3), 0);
  assert.equal(prefork.wasm.reports(3, ASKS, IDLE, 10, 10), 1);
  assert.equal(prefork.wasm.reports(99, ASKS, IDLE, 1, 1), 0, "nobody known");
  prefork.ended(2);
  prefork.wasm.restart();
  prefork.start(true, false);
  const { wasm } = prefork;
  const bytes = Buffer.from(wasm.memory.buffer, wasm.outputBuffer(), wasm.snapshot(5000n, 500n));
  const [rows, generation] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
  const sums = [8, 16, 24].map((at) => bytes.readBigUInt64LE(at));
  assert.deepEqual([rows, generation, sums], [3, 2, [4500n, 17n, 13n]]);
  assert.equal(bytes.length, 32 + 3 * 24);
  const row = (at: number): number[] => Array.from({ length: 6 }, (_, i) => bytes.readUInt32LE(at + 4 * i));
  assert.deepEqual(row(32), [3, 1, IDLE, 10, 10, 4]);
  assert.deepEqual(row(56), [4, 2, STARTING, 0, 0, 4]);
});
