// What waiting costs: by what is ready, not by what is watched. Counted are calls of functions and turns of loops in the kernel; a few more or
// less are the scheduler's, which looks for other work at every 32nd switch.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { countingKernel } from "../../support/fake.ts";
import { EPOLLET, EPOLLIN, EPOLLOUT, add, epoll, socketPair, wait } from "./epolls.ts";
import { type Process, runApp } from "./machine.ts";
import { O_NONBLOCK, POLLIN, write } from "./pipes.ts";

const ONE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
const MANY = 1000;
const FEW = 4;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await countingKernel();
});

/** What `body` costs. */
function* cost(process: Process, body: Piece<void>): Piece<number> {
  const begin = yield* process.call("test_work");
  yield* body;
  return (yield* process.call("test_work")) - begin;
}

/** Makes one of `count` event counters ready, waits for it by epoll, and takes what it has; what that costs, and what poll costs instead. */
function costs(count: number, manner: number): { readonly epoll: number; readonly poll: number } {
  const result = { epoll: 0, poll: 0 };
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const fds: number[] = [];
    for (let i = 0; i < count; i++) {
      fds.push(yield* process.call("posix_eventfd", 0, O_NONBLOCK));
      yield* add(process, ep, fds[i] ?? 0, EPOLLIN | manner);
    }
    const chosen = fds[count >> 1] ?? 0;
    const entries = Buffer.concat(fds.map((fd) => Buffer.from([fd & 255, fd >> 8, 0, 0, POLLIN, 0, 0, 0])));
    assert.deepEqual(yield* wait(process, ep), []);
    const turn = function* (byEpoll: boolean): Piece<void> {
      yield* write(process, chosen, ONE);
      process.put(BUFFER, entries);
      if (byEpoll) assert.deepEqual(yield* wait(process, ep, -1n, 1), [[chosen, EPOLLIN]]);
      else assert.equal(yield* process.call("posix_poll", BUFFER, count, -1n), 1);
      assert.equal(yield* process.call("posix_read", chosen, BUFFER, 8), 8);
    };
    yield* turn(true);
    result.epoll = yield* cost(process, turn(true));
    result.poll = yield* cost(process, turn(false));
  });
  return result;
}

for (const [title, manner] of [
  ["level-triggered", 0],
  ["edge-triggered", EPOLLET],
] as const) {
  test(`one of ${MANY} is ready, ${title}: that costs what one of ${FEW} does`, () => {
    const few = costs(FEW, manner);
    const many = costs(MANY, manner);
    assert.ok(few.epoll > 10 && many.epoll < few.epoll * 1.2, `${many.epoll} against ${few.epoll}`);
    assert.ok(many.poll > 50 * many.epoll, `poll: ${many.poll}, epoll: ${many.epoll}`);
  });
}

test("a thread that sleeps is woken for one of 980 sockets at the cost of one of 4", () => {
  const one = (count: number): number => {
    let result = 0;
    runApp(kernel, function* (process) {
      const ep = yield* epoll(process);
      const pairs: (readonly [number, number])[] = [];
      for (let i = 0; i < count / 2; i++) {
        const pair = yield* socketPair(process);
        pairs.push(pair);
        for (const fd of pair) yield* add(process, ep, fd, EPOLLIN | EPOLLOUT | EPOLLET);
      }
      assert.equal((yield* wait(process, ep, 0n, 1024)).length, count);
      const [one, other] = pairs[1] ?? [0, 0];
      const sleep = function* (): Piece<void> {
        const sleeper = yield* process.thread(function* () {
          assert.deepEqual(yield* wait(process, ep, -1n, 64), [[one, EPOLLIN | EPOLLOUT]]);
        });
        yield* process.call("posix_sched_yield");
        yield* write(process, other, Buffer.from("x"));
        yield* process.call("posix_sched_yield");
        assert.ok(sleeper.done);
      };
      yield* sleep();
      result = yield* cost(process, sleep());
    });
    return result;
  };
  const [few, many] = [one(4), one(980)];
  assert.ok(few > 10 && many < few * 1.2, `${many} against ${few}`);
});

test("closing, and taking away, costs the same whether there are few or many", () => {
  const one = (count: number): number => {
    let result = 0;
    runApp(kernel, function* (process) {
      const ep = yield* epoll(process);
      const fds: number[] = [];
      for (let i = 0; i < count; i++) {
        fds.push(yield* process.call("posix_eventfd", 1, O_NONBLOCK));
        yield* add(process, ep, fds[i] ?? 0, EPOLLIN);
      }
      const [first = 0, , third = 0] = fds;
      result = yield* cost(
        process,
        (function* () {
          assert.equal(yield* process.call("posix_epoll_ctl", ep, 2, first, 0), 0);
          yield* add(process, ep, first, EPOLLIN);
          assert.equal(yield* process.call("posix_close", third), 0);
        })(),
      );
      assert.equal((yield* wait(process, ep, 0n, 1024)).length, count - 1);
    });
    return result;
  };
  const [few, many] = [one(FEW), one(MANY)];
  assert.ok(few > 10 && many < few * 1.2, `${many} against ${few}`);
});
