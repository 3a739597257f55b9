// epoll against poll: whatever happens to pipes, pairs of sockets and event counters, level-triggered entries tell what poll says, and who reads
// everything when edge-triggered ones tell misses nothing.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import {
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  EPOLLRDNORM,
  EPOLLWRNORM,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  control,
  epoll,
  socketPair,
  wait,
} from "./epolls.ts";
import { type Process, runApp } from "./machine.ts";
import { EAGAIN, O_NONBLOCK, POLLIN, bytes, pipe, read, write } from "./pipes.ts";

const POLLS = 0x1_2000;
const MOST = 60;
const EVENTS = [EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLRDNORM, EPOLLWRNORM];

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

/** What poll says of each descriptor, by its mask. */
function* pollAll(process: Process, watched: ReadonlyMap<number, number>): Piece<Map<number, number>> {
  const entries = Buffer.alloc(watched.size * 8);
  [...watched].forEach(([fd, mask], i) => {
    entries.writeInt32LE(fd, i * 8);
    entries.writeInt16LE(mask, i * 8 + 4);
  });
  process.put(POLLS, entries);
  yield* process.call("posix_poll", POLLS, watched.size, 0n);
  const result = process.get(POLLS, entries.length);
  const told = [...watched.keys()].map((fd, i) => [fd, result.readUInt16LE(i * 8 + 6)] as const);
  return new Map(told.filter(([, events]) => events !== 0).toSorted(([a], [b]) => a - b));
}

/** New descriptors: of a pipe, a pair, or an event counter. */
function* open(process: Process, random: Random): Piece<readonly number[]> {
  const kind = random.between(0, 3);
  if (kind === 0) return [yield* process.call("posix_eventfd", random.between(0, 2), O_NONBLOCK)];
  if (kind === 1) return yield* socketPair(process);
  const { reader, writer } = yield* pipe(process, O_NONBLOCK);
  return [reader, writer];
}

/** Reads or writes something, or shuts down, as is possible or not. */
function* touch(process: Process, random: Random, fd: number): Piece<void> {
  const length = random.between(0, 3) === 0 ? 60_000 : 8;
  const what = random.between(0, 20);
  if (what === 0) yield* process.call("posix_shutdown", fd, random.between(0, 3));
  else if (what < 10) yield* write(process, fd, length === 8 ? Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]) : bytes(length));
  else yield* read(process, fd, length);
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`level-triggered entries tell what poll says, seed ${seed}`, () => {
    const random = new Random(seed);
    let told = 0;
    runApp(kernel, function* (process) {
      const ep = yield* epoll(process);
      const openOnes: number[] = [];
      const watched = new Map<number, number>();
      const anyOpen = (): number => openOnes[random.between(0, openOnes.length)] ?? 0;
      const mask = (): number => EVENTS.filter(() => random.between(0, 2) === 0).reduce((all, event) => all | event, 0);
      for (let step = 0; step < 3000; step++) {
        const action = random.between(0, 12);
        const fd = anyOpen();
        if (action === 0 && openOnes.length < MOST) {
          openOnes.push(...(yield* open(process, random)));
        } else if (fd === 0) {
          continue;
        } else if (action === 1) {
          yield* process.call("posix_close", fd);
          openOnes.splice(openOnes.indexOf(fd), 1);
          watched.delete(fd);
        } else if (action < 5) {
          const events = mask();
          const operation = watched.has(fd) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
          assert.equal(yield* control(process, ep, operation, fd, events), 0);
          watched.set(fd, events);
        } else if (action === 5) {
          assert.equal(yield* control(process, ep, EPOLL_CTL_DEL, fd, 0), watched.delete(fd) ? 0 : -2);
        } else {
          yield* touch(process, random, fd);
        }
        if (random.between(0, 3) !== 0) continue;
        const expected = yield* pollAll(process, watched);
        const got = new Map((yield* wait(process, ep, 0n, MOST + 2)).toSorted(([a], [b]) => a - b));
        assert.deepEqual(got, expected, `step ${step}`);
        told += got.size;
      }
    });
    assert.ok(told > 1000, `told ${told}`);
  });

  test(`who reads all that edge-triggered entries tell of misses nothing, seed ${seed}`, () => {
    const random = new Random(seed);
    let told = 0;
    runApp(kernel, function* (process) {
      const ep = yield* epoll(process);
      const readers: number[] = [];
      const writers: number[] = [];
      for (let i = 0; i < 20; i++) {
        const [one = 0, other = one] = yield* open(process, random);
        readers.push(one);
        writers.push(other);
        assert.equal(yield* control(process, ep, EPOLL_CTL_ADD, one, EPOLLIN | EPOLLET), 0);
      }
      for (let step = 0; step < 1000; step++) {
        const writer = writers[random.between(0, writers.length - 1)] ?? 0;
        for (let i = random.between(0, 4); i > 0; i--)
          yield* write(process, writer, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
        const maximum = random.between(1, 5);
        for (let events = yield* wait(process, ep, 0n, maximum); events.length > 0;) {
          for (const [fd] of events) {
            told += 1;
            let data: Buffer | number = 1;
            while (typeof data !== "number" || data > 0) data = yield* read(process, fd, 8);
            assert.equal(data, -EAGAIN);
          }
          events = yield* wait(process, ep, 0n, maximum);
        }
        const left = yield* pollAll(process, new Map(readers.map((fd) => [fd, POLLIN])));
        assert.deepEqual(left, new Map(), `step ${step}`);
      }
    });
    assert.ok(told > 300, `told ${told}`);
  });
}
