// execve: what it refuses, what a program that begins finds, and what of the one before is gone. The programs are in JavaScript, the kernel is real.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import { fakeKernel } from "../support/fake.ts";
import type { Piece } from "./calls.ts";
import { runPrograms, type Program, type ProgramProcess } from "./programs.ts";
import { sigaction } from "./sigaction.ts";

const [ENOENT, E2BIG, ENOEXEC, EBADF, EACCES, EFAULT, ENOTDIR, EINVAL] = [2, 7, 8, 9, 13, 14, 20, 22];
const [ENAMETOOLONG, ELOOP] = [36, 40];
const [F_GETFD, F_SETFD, F_GETFL] = [1, 2, 3];
const [SIG_BLOCK, SIGUSR1, SIGUSR2, SIGTERM, SIGCHLD] = [0, 10, 12, 15, 17];
const [DEFAULT, IGNORE] = [0, 1];
const O_CLOEXEC = 0x80000;
const AT_EMPTY_PATH = 0x1000;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_FDCWD = -100;
const ARG_MAX = 131072;
const WASM_PAGE = 65536;
const INITIAL_PAGES = 2;
/** Behind the first page, which is never there, and away from where these tests put paths and texts. */
const PLACE = 0x6000;
const HEAP = 0x14000;

const kernel = await fakeKernel();

function* nothing(): Piece<void> {
  return;
}

/** One program in an image of two. */
function alone(program: Program): void {
  runPrograms(kernel, { first: program, other: nothing });
}

/** The first program executes the other with what `prepare` says. */
function handsOn(
  prepare: (process: ProgramProcess, domain: Domain) => Piece<Parameters<ProgramProcess["execute"]>[1]>,
  other: Program,
): string {
  let begun = 0;
  const console = runPrograms(kernel, {
    first: function* (process, domain) {
      const result = yield* process.execute("/bin/other", yield* prepare(process, domain));
      assert.fail(`execve returns ${result}`);
    },
    *other(process, domain) {
      begun += 1;
      yield* other(process, domain);
    },
  });
  assert.equal(begun, 1);
  return console;
}

describe("execve refuses", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["/bin/nothing", ENOENT],
    ["", ENOENT],
    ["/etc/text", EACCES],
    ["/bin/beyond", ENOEXEC],
    ["/bin", EACCES],
    ["/", EACCES],
    ["/dev/null", EACCES],
    ["/bin/other/x", ENOTDIR],
    ["/bin/other/", ENOTDIR],
    [`/${"x".repeat(256)}`, ENAMETOOLONG],
    ["/bin/".repeat(1000), ENAMETOOLONG],
  ];
  for (const [path, error] of cases) {
    test(`${JSON.stringify(path.slice(0, 20))} with ${error}`, () => {
      alone(function* (process) {
        assert.equal(yield* process.execute(path), -error);
        assert.deepEqual(yield* process.startArguments(), ["one", "two"]);
      });
    });
  }

  test("addresses that are not the app's, lengths that are too large, texts without an end", () => {
    alone(function* (process) {
      const path = [PLACE, 10] as const;
      process.put(PLACE, Buffer.from("/bin/other"));
      const end = INITIAL_PAGES * WASM_PAGE;
      const call = (...args: readonly number[]): Piece<number> => process.call("posix_execveat", AT_FDCWD, ...args);
      for (const at of [0, 8, end - 5, end, 0x7fff_fff0, 0xffff_fffc]) {
        assert.equal(yield* call(at, 10, 0, 0, 0, 0, 0), -EFAULT, `path at ${at}`);
        assert.equal(yield* call(...path, at, 10, 0, 0, 0), -EFAULT, `arguments at ${at}`);
        assert.equal(yield* call(...path, 0, 0, at, 10, 0), -EFAULT, `environment at ${at}`);
      }
      assert.equal(yield* call(...path, PLACE, ARG_MAX + 1, 0, 0, 0), -E2BIG);
      assert.equal(yield* call(...path, PLACE, 1, PLACE, ARG_MAX, 0), -E2BIG);
      assert.equal(yield* call(...path, PLACE, 0xffff_ffff, PLACE, 0xffff_ffff, 0), -E2BIG);
      assert.equal(yield* call(...path, PLACE, 4, 0, 0, 0), -EINVAL);
      assert.equal(yield* call(...path, 0, 0, PLACE, 4, 0), -EINVAL);
      for (const flags of [1, 0x200, -1]) assert.equal(yield* call(...path, 0, 0, 0, 0, flags), -EINVAL);
      assert.equal(yield* call(PLACE, 0xffff_ffff, 0, 0, 0, 0, 0), -ENAMETOOLONG);
      assert.equal(yield* process.call("app_memory_size"), INITIAL_PAGES);
    });
  });

  test("descriptors that are closed, no directory, or no program", () => {
    alone(function* (process) {
      const flags = AT_EMPTY_PATH;
      for (const directory of [-1, 3, 1023, 1024, 99999]) {
        assert.equal(yield* process.execute("", { directory, flags }), -EBADF);
        assert.equal(yield* process.execute("other", { directory }), -EBADF);
      }
      assert.equal(yield* process.execute("", { directory: 1, flags }), -EACCES);
      assert.equal(yield* process.execute("", { flags }), -ENOENT);
      const text = yield* process.withPath("posix_open", "/etc/text", 0, 0);
      assert.equal(yield* process.execute("", { directory: text, flags }), -EACCES);
      assert.equal(yield* process.execute("other", { directory: text }), -ENOTDIR);
      const folder = yield* process.withPath("posix_open", "/bin", 0, 0);
      assert.equal(yield* process.execute("", { directory: folder, flags }), -EACCES);
      assert.equal(yield* process.execute("nothing", { directory: folder }), -ENOENT);
    });
  });

  test("files of a tmpfs: without permission, no program; a link, when it is not to be followed", () => {
    alone(function* (process) {
      const create = 0x40;
      const name = (path: string, at: number): readonly [number, number] => {
        process.put(at, Buffer.from(path));
        return [at, path.length];
      };
      yield* process.call("posix_openat", AT_FDCWD, ...name("/tmp/file", PLACE), create, 0o644);
      assert.equal(yield* process.execute("/tmp/file"), -EACCES);
      yield* process.call("posix_fchmodat", AT_FDCWD, ...name("/tmp/file", PLACE), 0o755);
      assert.equal(yield* process.execute("/tmp/file"), -ENOEXEC);
      const [link, file] = [name("/tmp/link", PLACE), name("/bin/other", HEAP)];
      assert.equal(yield* process.call("posix_symlinkat", ...file, AT_FDCWD, ...link), 0);
      assert.equal(yield* process.execute("/tmp/link", { flags: AT_SYMLINK_NOFOLLOW }), -ELOOP);
      yield* process.execute("/tmp/link");
      assert.fail("the link leads to a program");
    });
  });
});

describe("a program that begins", () => {
  test("has its name, arguments and environment, as they are", () => {
    const words = ["argument 0", "", "a b", "ä€𝄞", "x".repeat(5000)];
    const environment = ["A=1", "B=x=y", "EMPTY="];
    handsOn(
      function* (process) {
        assert.deepEqual(yield* process.startArguments(), ["one", "two"]);
        assert.deepEqual(yield* process.startEnvironment(), ["A=1"]);
        assert.equal(yield* process.programName(), "image");
        return { words, environment };
      },
      function* (process) {
        assert.deepEqual(yield* process.startArguments(), words.slice(1));
        assert.deepEqual(yield* process.startEnvironment(), environment);
        assert.equal(yield* process.programName(), words[0]);
        for (const [file, texts] of [
          ["cmdline", words],
          ["environ", environment],
        ] as const) {
          const fd = yield* process.withPath("posix_open", `/proc/self/${file}`, 0, 0);
          const length = yield* process.call("posix_read", fd, HEAP, 8192);
          assert.equal(process.get(HEAP, length).toString(), texts.map((text) => `${text}\0`).join(""), file);
        }
        // What does not fit is cut, and nothing is written elsewhere.
        process.put(HEAP, Buffer.alloc(8, 0x55));
        assert.equal(yield* process.call("programs_arguments_get", HEAP, 3), 3);
        assert.deepEqual([...process.get(HEAP, 4)], [0, 0x61, 0x20, 0x55]);
        for (const name of ["programs_arguments_get", "programs_environment_get", "posix_program_name"]) {
          for (const at of [8, 0xffff_fff0]) assert.equal(yield* process.call(name, at, 16), -EFAULT, name);
        }
      },
    );
  });

  test("has none of them when none are given", () => {
    handsOn(
      function* () {
        yield* nothing();
        return { words: [] };
      },
      function* (process) {
        assert.deepEqual(yield* process.startEnvironment(), []);
        assert.deepEqual(yield* process.startArguments(), []);
      },
    );
  });

  test("finds its memory empty and small, and may have as much as another", () => {
    handsOn(
      function* (process) {
        assert.equal(yield* process.call("programs_memory_grow", 40), INITIAL_PAGES);
        process.put(PLACE, Buffer.alloc(4096, 0xff));
        process.put(30 * WASM_PAGE, Buffer.alloc(WASM_PAGE, 0xff));
        return {};
      },
      function* (process) {
        assert.equal(yield* process.call("app_memory_size"), INITIAL_PAGES);
        assert.equal(
          process.get(PLACE, 4096).some((byte) => byte !== 0),
          false,
        );
        for (const pages of [0xffff_ffff, 0x10000]) {
          assert.equal((yield* process.call("programs_memory_grow", pages)) >>> 0, 0xffff_ffff);
        }
        assert.equal(yield* process.call("programs_memory_grow", 40), INITIAL_PAGES);
        assert.equal(
          process.get(30 * WASM_PAGE, WASM_PAGE).some((byte) => byte !== 0),
          false,
        );
      },
    );
  });

  test("has the descriptors that were not to be closed, where they were", () => {
    handsOn(
      function* (process) {
        const open = (flags: number): Piece<number> => process.withPath("posix_open", "/etc/text", flags, 0);
        assert.equal(yield* open(0), 3);
        assert.equal(yield* open(O_CLOEXEC), 4);
        assert.equal(yield* open(0), 5);
        yield* process.call("posix_read", 3, HEAP, 2);
        yield* process.call("posix_fcntl", 5, F_SETFD, 1);
        return {};
      },
      function* (process) {
        assert.equal(yield* process.call("posix_read", 3, HEAP, 8), 3);
        assert.equal(process.get(HEAP, 3).toString(), "xt\n");
        assert.equal(yield* process.call("posix_fcntl", 3, F_GETFD, 0), 0);
        for (const fd of [4, 5]) assert.equal(yield* process.call("posix_fcntl", fd, F_GETFL, 0), -EBADF);
        assert.equal(yield* process.withPath("posix_open", "/etc/text", 0, 0), 4);
      },
    );
  });

  test("ignores what was ignored, catches nothing, and what was held up is so still, also what has come", () => {
    handsOn(
      function* (process) {
        yield* sigaction(process, SIGUSR1, { handler: IGNORE });
        yield* sigaction(process, SIGCHLD, { handler: 0x9000 });
        yield* sigaction(process, SIGTERM, { handler: 0x9000 });
        yield* sigaction(process, SIGUSR2, { handler: 0x9000 });
        process.put(HEAP, Buffer.from(Uint32Array.of(1 << SIGUSR2).buffer));
        yield* process.call("posix_sigprocmask", SIG_BLOCK, HEAP, 0);
        yield* process.call("posix_kill", 1, SIGUSR2);
        return {};
      },
      function* (process) {
        assert.equal(yield* sigaction(process, SIGUSR1), IGNORE);
        for (const signal of [SIGCHLD, SIGTERM, SIGUSR2]) assert.equal(yield* sigaction(process, signal), DEFAULT);
        yield* process.call("posix_sigpending", HEAP);
        assert.equal(process.get(HEAP, 4).readUInt32LE(), 1 << SIGUSR2);
      },
    );
  });

  test("may be the one that was there, or one before it", () => {
    const seen: string[] = [];
    const again = (name: string, next: Readonly<Record<string, string>>): Program =>
      function* (process) {
        const round = String(seen.push(name));
        const following = next[round];
        if (following !== undefined) yield* process.execute(`/bin/${following}`, { words: [following, round] });
        const given = round === "1" ? ["one", "two"] : [String(seen.length - 1)];
        assert.deepEqual(yield* process.startArguments(), given);
      };
    runPrograms(kernel, {
      a: again("a", { "1": "b", "3": "a", "4": "b" }),
      b: again("b", { "2": "a" }),
    });
    assert.deepEqual(seen, ["a", "b", "a", "a", "b"]);
  });

  test("is found by its descriptor and from a directory", () => {
    for (const path of ["/bin", "/bin/other"]) {
      handsOn(
        function* (process) {
          const directory = yield* process.withPath("posix_open", path, 0, 0);
          const flags = AT_EMPTY_PATH;
          yield* process.execute(path === "/bin" ? "other" : "", { directory, flags, words: ["by descriptor"] });
          return {};
        },
        function* (process) {
          assert.equal(yield* process.programName(), "by descriptor");
        },
      );
    }
  });
});

describe("other threads", () => {
  /** Ways to wait, each in a thread of its own. */
  const WAITS: Readonly<Record<string, (process: ProgramProcess) => Piece<number>>> = {
    sleeps: (process) => process.call("posix_nanosleep", 3_600_000_000_000n, 0),
    pauses: (process) => process.call("posix_pause"),
    waits: (process) => process.call("posix_futex_wait", HEAP, 0, -1n),
    yields: (process) => process.call("posix_sched_yield"),
    *reads(process) {
      yield* process.call("posix_pipe", HEAP + 64, O_CLOEXEC);
      return yield* process.call("posix_read", process.get(HEAP + 64, 4).readInt32LE(), HEAP + 128, 1);
    },
    *polls(process) {
      yield* process.call("posix_pipe", HEAP + 192, O_CLOEXEC);
      process.put(HEAP + 200, Buffer.from([...process.get(HEAP + 192, 4), 1, 0, 0, 0]));
      return yield* process.call("posix_poll", HEAP + 200, 1, -1n);
    },
  };

  test("end where they wait, whoever executes, and give back what they held", () => {
    for (const from of ["main", "other", "behind the main one"]) {
      const wentOn: string[] = [];
      let free = 0;
      handsOn(
        function* (process) {
          for (const [name, wait] of Object.entries(WAITS)) {
            yield* process.thread(function* () {
              do yield* wait(process);
              while (name === "yields");
              wentOn.push(name);
            });
          }
          for (let turn = 0; turn < 4; turn++) yield* process.call("posix_sched_yield");
          if (from === "main") {
            yield* process.thread(function* () {
              wentOn.push("one that had not begun");
              yield* nothing();
            });
            return {};
          }
          yield* process.thread(function* () {
            for (let turn = 0; turn < 4; turn++) yield* process.call("posix_sched_yield");
            yield* process.execute("/bin/other");
          });
          if (from !== "other") yield* process.call("posix_thread_exit");
          yield* process.call("posix_pause");
          return assert.fail("the main thread goes on");
        },
        function* (process) {
          yield* process.call("posix_nanosleep", 10_000_000n, 0);
          free = yield* process.withPath("posix_open", "/etc/text", 0, 0);
          assert.equal(yield* process.call("posix_thread_self"), 1);
          const thread = yield* process.thread(nothing);
          yield* process.join(thread);
        },
      );
      assert.deepEqual(wentOn, [], from);
      assert.equal(free, 3, from);
    }
  });

  test("that are in handlers of signals end there", () => {
    let after = false;
    handsOn(function* (process, domain) {
      domain.signalHandlers.set(0x9000, function* (): App {
        yield* process.call("posix_nanosleep", 3_600_000_000_000n, 0);
        after = true;
        return 0;
      });
      yield* sigaction(process, SIGUSR1, { handler: 0x9000 });
      yield* process.thread(function* () {
        yield* process.call("posix_nanosleep", 1_000_000n, 0);
        yield* process.execute("/bin/other");
      });
      yield* process.call("posix_kill", 1, SIGUSR1);
      return assert.fail("the handler returns");
    }, nothing);
    assert.equal(after, false);
  });
});
