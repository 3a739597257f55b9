// Whatever an app passes to system calls, the kernel answers and stays whole: seeded nonsense, with enough sense in it to
// reach the inner parts.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { seededRandom } from "../../../tools/fake-xen/world.ts";
import { BUFFER } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { runApp } from "./machine.ts";

const NONBLOCK = 0x800;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

/**
 * Kinds of arguments by call: f descriptor, p pointer, n length, i number, o file offset, T short time in ns (i64),
 * N flags with SOCK_NONBLOCK, S socket type with it.
 */
const CALLS: Readonly<Record<string, string>> = {
  posix_open: "pni",
  posix_close: "f",
  posix_read: "fpn",
  posix_pread: "fpno",
  posix_write: "fpn",
  posix_lseek: "foi",
  posix_stat: "pnp",
  posix_fstat: "fp",
  posix_getdents: "fpn",
  posix_dup: "f",
  posix_dup2: "ff",
  posix_sendfile: "ffon",
  posix_socket: "iSi",
  posix_bind: "fp",
  posix_listen: "fi",
  posix_accept: "fpN",
  posix_connect: "fp",
  posix_sendto: "fpnip",
  posix_recvfrom: "fpnip",
  posix_shutdown: "fi",
  posix_getsockopt: "fiipn",
  posix_setsockopt: "fiipn",
  posix_getsockname: "fp",
  posix_getpeername: "fp",
  posix_poll: "pnT",
  posix_select: "ipppT",
  posix_nanosleep: "T",
  posix_clock_gettime: "ip",
  posix_clock_getres: "ip",
  posix_getrandom: "pni",
  posix_arguments_get: "pn",
  posix_environment_get: "pn",
  posix_futex_wait: "piT",
  posix_futex_wake: "pi",
  posix_thread_shadow_stack: "i",
  app_memory_grow: "i",
};

for (const seed of [1, 2, 3]) {
  test(`20000 calls with seeded nonsense, seed ${seed}`, () => {
    const random = seededRandom(seed);
    const pick = (limit: number): number => Math.floor(random() * limit);
    const numbers = [0, 1, 2, 3, 4, 6, 7, 8, 9, 13, 17, 20, 21, 128, 1024, 4096, -1, -2, 0x7fff_ffff, -0x8000_0000];
    const number = (): number => (random() < 0.8 ? (numbers[pick(numbers.length)] ?? 0) : pick(2 ** 32) | 0);
    const pointer = (): number => (random() < 0.8 ? BUFFER + pick(64) * 8 : number());
    const make: Readonly<Record<string, () => number | bigint>> = {
      f: () => (random() < 0.95 ? pick(24) : number()),
      p: pointer,
      n: () => (random() < 0.8 ? pick(200) : number()),
      i: number,
      o: () => BigInt(random() < 0.8 ? pick(40) - 5 : number()) << (random() < 0.1 ? 31n : 0n),
      T: () => BigInt(pick(3) * 100_000),
      N: () => NONBLOCK | (random() < 0.1 ? number() : 0),
      S: () => NONBLOCK | (1 + pick(2)) | (random() < 0.1 ? number() : 0),
    };
    const names = Object.keys(CALLS);
    const console = runApp(
      kernel,
      function* (process) {
        assert.equal(yield* process.call("posix_fcntl", 0, 4, NONBLOCK), 0);
        // Addresses, options and paths that mean something now and then.
        const seeds = [
          Buffer.from([2, 0, 0x1f, 0x90, 127, 0, 0, 1]),
          Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]),
          Buffer.from("/docs/a"),
          Buffer.from([1, 0, 0, 0, 1, 0, 0, 0]),
        ];
        for (let i = 0; i < 20_000; i++) {
          if (i % 5 === 0) process.put(BUFFER + pick(64) * 8, seeds[pick(seeds.length)] ?? Buffer.alloc(8));
          if (i % 400 === 0) yield* process.call("posix_nanosleep", 50_000_000n);
          const name = names[pick(names.length)] ?? "";
          const args = [...(CALLS[name] ?? "")].map((kind) => make[kind]?.() ?? 0);
          const result = yield* process.call(name, ...args);
          assert.ok(result >= -133, `${name}(${args.join(", ")}) = ${result}`);
        }
      },
      { "/docs/a": "a".repeat(5000), "/docs/b/c": "c", "/x": "" },
    );
    assert.doesNotMatch(console, /panic|crash/);
  });
}
