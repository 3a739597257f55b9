// system(), popen() and pclose() by an app in AssemblyScript (test/apps/shell), on the real kernel: what the first process does, with children of
// which forkd only tells, and what a child does up to the shell, which is in JavaScript.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import { type Guest, Host } from "../../tools/fake-xen/host.ts";
import { filesBlob } from "../../tools/image/files.ts";
import { assemblyApp, runAssembly } from "../support/assembly_app.ts";
import { fakeKernel } from "../support/fake.ts";
import { EVENT, FakeForkd } from "./forkd.ts";
import { type Program, ProgramProcess } from "./programs.ts";
import { sigaction } from "./sigaction.ts";

const [SIGINT, SIGQUIT, SIGCHLD] = [2, 3, 17];
const [DEFAULT, IGNORE] = [0, 1];
const SET = 0x3200;
const WAY_POOL = 2;

const kernel = await fakeKernel();
const app = await assemblyApp("test/apps/shell");

interface Running {
  readonly host: Host;
  readonly guest: Guest;
  readonly forkd: FakeForkd;
}

/** Runs the app with `words` in an image whose shell is `shell`, if it has one; `prepare` says what forkd does, if there is one. The console. */
function run(words: string, shell?: Program, prepare?: (running: Running) => void): string {
  const host = new Host(kernel, 3);
  let failure: unknown;
  const program = function* (domain: Domain): App {
    try {
      yield* shell?.(new ProgramProcess(domain), domain) ?? [];
      return 0;
    } catch (error) {
      failure = error;
      return 1;
    }
  };
  const main = (domain: Domain): App => runAssembly(app, domain);
  const file = { data: Buffer.from("text\n"), modified: 0n, path: "/bin/sh", program: 2 };
  const guest = host.create({
    commandLine: `ip=off ${prepare === undefined ? "" : "fork=3"} -- ${words}`,
    files: filesBlob(shell === undefined ? [] : [file]),
    app: main,
    programs: [main, program],
  });
  if (prepare !== undefined) {
    const forkd = new FakeForkd(host, guest);
    forkd.attach();
    prepare({ host, guest, forkd });
  }
  host.world.runUntil(() => guest.domain.shutdown !== undefined || failure !== undefined, 60e9);
  if (failure !== undefined) throw failure;
  assert.doesNotMatch(guest.console, /FAILED/);
  return guest.console;
}

/** The shell of images where it is not to begin. */
const unused: Program = function* () {
  yield* [];
  assert.fail("the shell begins");
};

test("without a shell: system() says so, and 127; popen() finds none", () => {
  assert.match(run("none"), /shell: all passed/);
});

test("with a shell that nobody can start: ENOSYS, and all signals are as they were", () => {
  assert.match(run("alone", unused), /shell: all passed/);
});

test("the process that calls them: statuses, signals meanwhile, pipes that end with the command", () => {
  // The pid and the status of each child; what comes from elsewhere before it ends.
  const children: readonly (readonly [pid: number, status: number])[] = [
    [2, 3 << 8],
    [3, 9],
    [4, 5 << 8],
    [5, 0],
  ];
  let next = 0;
  const console = run("commands", unused, ({ host, forkd }) => {
    forkd.answers = children.map(([pid]) => pid);
    forkd.beforeAnswer = () => {
      const [pid, status] = children[next++] ?? [0, 0];
      host.world.after(20e6, () => {
        // system() waits for the child by now.
        if (pid === 2) for (const signal of [SIGINT, SIGQUIT]) forkd.signal(1, signal);
        forkd.tell(EVENT.gone, pid, 0);
      });
      host.world.after(40e6, () => forkd.exit(pid, status));
    };
  });
  assert.match(console, /shell: all passed/);
  assert.equal(next, children.length);
});

/** What a shell has begun with: its words, actions of SIGINT, SIGQUIT and SIGCHLD, and the set of signals that are held up. */
interface Begun {
  readonly words: readonly string[];
  readonly name: string | undefined;
  readonly actions: readonly number[];
  readonly mask: number;
  readonly descriptors: readonly number[];
}

/** Runs the app with `words` as the child of its first fork. */
function begun(words: string): Begun {
  const seen: Begun[] = [];
  const shell: Program = function* (process) {
    const actions: number[] = [];
    for (const signal of [SIGINT, SIGQUIT, SIGCHLD]) actions.push(yield* sigaction(process, signal));
    assert.equal(yield* process.call("posix_sigprocmask", 0, 0, SET), 0);
    const mask = process.get(SET, 4).readUInt32LE();
    const descriptors: number[] = [];
    for (let fd = 0; fd < 10; fd++) {
      const flags = yield* process.call("posix_fcntl", fd, 3, 0);
      if (flags >= 0) descriptors.push(fd, flags & 3);
    }
    seen.push({
      words: yield* process.startArguments(),
      name: yield* process.programName(),
      actions,
      mask,
      descriptors,
    });
  };
  run(words, shell, ({ guest, forkd }) => {
    guest.becomeChildAtFork(() => forkd.become(2, WAY_POOL));
  });
  const [first] = seen;
  assert.ok(first !== undefined && seen.length === 1);
  return first;
}

test("the child of system() is sh -c with the command as one word, and has the signals of before", () => {
  const { words, name, actions, mask, descriptors } = begun("child");
  assert.deepEqual([name, ...words], ["sh", "-c", 'echo "two words"']);
  assert.deepEqual(actions, [DEFAULT, DEFAULT, DEFAULT]);
  assert.equal(mask, 0);
  assert.deepEqual(descriptors, [0, 2, 1, 2, 2, 2]);
});

test("the child of popen() has the pipe as its output or its input, and no other descriptor of it", () => {
  const [READ, WRITE, BOTH] = [0, 1, 2];
  assert.deepEqual(begun("reader").descriptors, [0, BOTH, 1, WRITE, 2, BOTH]);
  assert.deepEqual(begun("writer").descriptors, [0, READ, 1, BOTH, 2, BOTH]);
  assert.ok(!begun("writer").actions.includes(IGNORE));
});
