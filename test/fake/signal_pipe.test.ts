// SIGPIPE: what comes besides EPIPE to who writes what nobody will read, on the whole kernel.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import { BUFFER, type Calls, type Piece } from "./calls.ts";
import { runProcess, type RunOptions, type Scene } from "./process.ts";
import { catches, sigaction } from "./sigaction.ts";

const [ECONNREFUSED, EPIPE] = [111, 32];
const SIGPIPE = 13;
const DEFAULT = 0;
const SIG_BLOCK = 0;
const [AF_UNIX, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] = [1, 1, 2, 5];
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const WORD = 0x3000;

const kernel = await fakeKernel();

function* pair(calls: Calls, type: number | "pipe"): Piece<readonly [number, number]> {
  const made =
    type === "pipe"
      ? yield* calls.call("posix_pipe", BUFFER, 0)
      : yield* calls.call("posix_socketpair", AF_UNIX, type, 0, BUFFER);
  assert.equal(made, 0);
  return [calls.get(BUFFER, 4).readInt32LE(), calls.get(BUFFER + 4, 4).readInt32LE()];
}

/** The end that is written of what nobody reads. */
function* broken(calls: Calls, type: number | "pipe"): Piece<number> {
  const [reader, writer] = yield* pair(calls, type);
  yield* calls.call("posix_close", reader);
  return writer;
}

type Way = (calls: Calls, fd: number) => Piece<number>;

function writesEnd(how: Way, type: number | "pipe", options: RunOptions): void {
  const { forkd, console } = runProcess(
    kernel,
    function* ({ calls }) {
      yield* sigaction(calls, SIGPIPE, { handler: DEFAULT });
      yield* how(calls, yield* broken(calls, type));
      assert.fail("it goes on");
    },
    { ends: false, ...options },
  );
  assert.match(console, /signal 13/);
  if (options.commandLine === undefined) assert.equal(forkd.exitStatus, SIGPIPE);
}

function write(calls: Calls, fd: number): Piece<number> {
  return calls.call("posix_write", fd, BUFFER, 5);
}

function* writev(calls: Calls, fd: number): Piece<number> {
  calls.put(WORD, new Uint8Array(Uint32Array.of(BUFFER, 3, BUFFER, 4).buffer));
  return yield* calls.call("posix_writev", fd, WORD, 2);
}

function send(flags: number) {
  return (calls: Calls, fd: number): Piece<number> => calls.call("posix_sendto", fd, BUFFER, 5, flags, 0);
}

function* sendmsg(flags: number, calls: Calls, fd: number): Piece<number> {
  calls.put(WORD, new Uint8Array(Uint32Array.of(0, WORD + 64, 1, 0, 0, 0).buffer));
  calls.put(WORD + 64, new Uint8Array(Uint32Array.of(BUFFER, 3).buffer));
  return yield* calls.call("posix_sendmsg", fd, WORD, flags);
}

describe("by default a broken pipe ends the process", () => {
  for (const commandLine of [undefined, "ip=off"]) {
    test(commandLine === undefined ? "that may fork" : "that is alone", () => {
      const options = commandLine === undefined ? {} : { commandLine };
      for (const how of [write, writev]) {
        for (const type of ["pipe", SOCK_STREAM, SOCK_SEQPACKET] as const) writesEnd(how, type, options);
      }
      for (const type of [SOCK_STREAM, SOCK_SEQPACKET]) {
        for (const how of [send(0), sendmsg.bind(undefined, 0)]) writesEnd(how, type, options);
      }
    });
  }
});

/** Makes each call, of which those of `raising` raise the signal, and all fail with `error`. */
function* tries(scene: Scene, fd: number, error: number, times: number): Piece<void> {
  const { calls } = scene;
  const seen = yield* catches(scene, SIGPIPE);
  for (const how of [write, writev, send(0), sendmsg.bind(undefined, 0)]) {
    assert.equal(yield* how(calls, fd), -error);
    assert.equal(seen.splice(0).length, times);
  }
  for (const how of [send(MSG_NOSIGNAL), sendmsg.bind(undefined, MSG_NOSIGNAL)]) {
    assert.equal(yield* how(calls, fd), -error);
    assert.deepEqual(seen, []);
  }
}

describe("a handler runs for each write that fails with EPIPE", () => {
  test("of a pipe and of sockets of AF_UNIX, but not of datagrams and not with MSG_NOSIGNAL", () => {
    runProcess(kernel, function* (scene) {
      const { calls } = scene;
      const seen = yield* catches(scene, SIGPIPE);
      const pipe = yield* broken(calls, "pipe");
      for (const how of [write, writev]) {
        assert.equal(yield* how(calls, pipe), -EPIPE);
        assert.deepEqual(seen.splice(0), [SIGPIPE]);
      }
      assert.equal(yield* calls.call("posix_write", pipe, BUFFER, 0), 0);
      assert.deepEqual(seen, []);
      yield* tries(scene, yield* broken(calls, SOCK_STREAM), EPIPE, 1);
      yield* tries(scene, yield* broken(calls, SOCK_SEQPACKET), EPIPE, 1);
      const datagram = yield* broken(calls, SOCK_DGRAM);
      assert.equal(yield* write(calls, datagram), -ECONNREFUSED);
      assert.deepEqual(seen, []);
    });
  });

  test("of TCP", () => {
    runProcess(kernel, function* (scene) {
      const { calls } = scene;
      const listener = yield* calls.socket("tcp");
      assert.equal(yield* calls.bind(listener, 80), 0);
      assert.equal(yield* calls.call("posix_listen", listener, 4), 0);
      const fd = yield* calls.socket("tcp");
      assert.equal(yield* calls.connect(fd, "127.0.0.1", 80), 0);
      assert.equal(yield* calls.call("posix_shutdown", fd, SHUT_WR), 0);
      yield* tries(scene, fd, EPIPE, 1);
    });
  });

  test("held up, it waits; ignored, nothing comes", () => {
    runProcess(kernel, function* (scene) {
      const { calls } = scene;
      const seen = yield* catches(scene, SIGPIPE);
      const fd = yield* broken(calls, "pipe");
      calls.put(WORD, new Uint8Array(Uint32Array.of(1 << SIGPIPE).buffer));
      assert.equal(yield* calls.call("posix_sigprocmask", SIG_BLOCK, WORD, 0), 0);
      assert.equal(yield* write(calls, fd), -EPIPE);
      assert.equal(yield* calls.call("posix_sigpending", WORD), 0);
      assert.equal(calls.get(WORD, 4).readUInt32LE(), 1 << SIGPIPE);
      assert.deepEqual(seen, []);
      yield* sigaction(calls, SIGPIPE, { handler: 1 });
      assert.equal(yield* calls.call("posix_sigpending", WORD), 0);
      assert.equal(calls.get(WORD, 4).readUInt32LE(), 0);
    });
  });
});
