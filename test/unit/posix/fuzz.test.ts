// Whatever an app passes to system calls, the kernel answers and stays whole: seeded nonsense, with enough sense in it to
// reach the inner parts.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { seededRandom } from "../../../tools/fake-xen/world.ts";
import { BUFFER } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { runApp } from "./machine.ts";

const NONBLOCK = 0x800;
const EINPROGRESS = -115;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

const ADDRESSES = 0x3000;
const PATHS = 0x3100;
const NAMES = 0x3200;
const NAME_SIZE = 112;
const MESSAGES = 0x3600;
const TIMES = 0x3c00;
const PIECES = 0x3e00;
const PATH_LENGTH = 7;
/** Paths of so many bytes: below the working directory, above it, and two in a tmpfs. */
const FILE_PATHS = "./docsx\0../docs\0/tmp/ab\0/tmp/ab\0";

/**
 * Kinds of arguments by call: f descriptor, p pointer, n length, i number, o file offset, T short time in ns (i64),
 * E operation of epoll_ctl, v pieces, c how many, t a time as posix_timerfd_settime takes it, D domain, U the domain AF_UNIX, S socket type, N flags (both with SOCK_NONBLOCK), a address, u one of AF_UNIX, m a message header, P path, L its length,
 * F flags of open, C directory of a path, R flag of unlinkat, 0 nearly always zero.
 */
const CALLS: Readonly<Record<string, string>> = {
  posix_open: "PL0",
  posix_close: "f",
  posix_read: "fpn",
  posix_pread: "fpno",
  posix_write: "fpn",
  posix_lseek: "fo0",
  posix_stat: "PLp",
  posix_fstat: "fp",
  posix_getdents: "fpn",
  posix_dup: "f",
  posix_dup2: "ff",
  posix_sendfile: "ffon",
  posix_socket: "DS0",
  posix_bind: "fa",
  posix_listen: "fi",
  posix_accept: "faN",
  posix_connect: "fa",
  posix_sendto: "fpn0a",
  posix_recvfrom: "fpn0a",
  posix_shutdown: "fi",
  posix_getsockopt: "fiipn",
  posix_setsockopt: "fiipn",
  posix_getsockname: "fa",
  posix_getpeername: "fa",
  posix_poll: "pnT",
  posix_select: "ipppT",
  posix_nanosleep: "T",
  posix_clock_gettime: "ip",
  posix_clock_getres: "ip",
  posix_getrandom: "pn0",
  posix_arguments_get: "pn",
  posix_environment_get: "pn",
  posix_futex_wait: "piT",
  posix_futex_wake: "pi",
  posix_thread_shadow_stack: "i",
  app_memory_grow: "i",
};

/** Which calls are made. */
interface Mixture {
  readonly title: string;
  /** Kinds of arguments by call. */
  readonly calls: Readonly<Record<string, string>>;
  /** Calls that must succeed now and then, or the nonsense has too little sense in it. */
  readonly reached: readonly string[];
}

const REACHED = [
  "open",
  "getdents",
  "sendfile",
  "listen",
  "accept",
  "connect",
  "sendto",
  "recvfrom",
  "read",
  "setsockopt",
];

const SOCKETS = /^posix_(?:close|read|write|fstat|dup2?|listen|shutdown|[gs]etsockopt|getpeername|poll|select)$/;
const DESCRIPTORS = /^posix_(?:open|close|read|write|fstat|dup2?|sendfile|poll|select)$/;

/** A sockaddr_un. */
function unixAddress(name: string, length: number): Buffer {
  const bytes = Buffer.alloc(NAME_SIZE);
  bytes.writeUInt16LE(1);
  bytes.write(name, 2, "latin1");
  bytes.writeUInt16LE(length, 110);
  return bytes;
}

/** A sockaddr_in of the address `network`.0.0.1. */
function internetAddress(port: number, network: number): Buffer {
  return Buffer.from([2, 0, port >> 8, port & 0xff, network, 0, 0, 1]);
}

const MIXTURES: readonly Mixture[] = [
  { title: "calls", calls: CALLS, reached: REACHED },
  {
    title: "calls on pipes",
    calls: {
      ...Object.fromEntries(Object.entries(CALLS).filter(([name]) => DESCRIPTORS.test(name))),
      posix_pipe: "pN",
    },
    reached: ["pipe", "read", "write", "sendfile"],
  },
  {
    title: "calls on files",
    calls: {
      ...Object.fromEntries(Object.entries(CALLS).filter(([name]) => DESCRIPTORS.test(name))),
      posix_open: "PLFi",
      posix_openat: "CPLFi",
      posix_pread: "fpno",
      posix_pwrite: "fpno",
      posix_lseek: "fo0",
      posix_getdents: "fpn",
      posix_stat: "PLp",
      posix_fstatat: "CPLp0",
      posix_truncate: "PLo",
      posix_ftruncate: "fo",
      posix_fsync: "f",
      posix_mkdirat: "CPLi",
      posix_unlinkat: "CPLR",
      posix_renameat: "CPLCPL",
      posix_linkat: "CPLCPL0",
      posix_symlinkat: "PLCPL",
      posix_readlinkat: "CPLpn",
      posix_fchmodat: "CPLi",
      posix_fchmod: "fi",
      posix_faccessat: "CPLi",
      posix_umask: "0",
      posix_utimensat: "CPLp0",
      posix_statfs: "PLp",
      posix_fstatfs: "fp",
      posix_chdir: "PL",
      posix_fchdir: "f",
      posix_getcwd: "pn",
    },
    reached: [
      ...["openat", "pwrite", "truncate", "ftruncate", "mkdirat", "unlinkat", "renameat", "symlinkat"],
      ...["readlinkat", "fchmodat", "utimensat", "statfs", "chdir", "fchdir", "getcwd", "getdents", "sendfile"],
    ],
  },
  {
    title: "calls on sockets of AF_UNIX",
    calls: {
      ...Object.fromEntries(Object.entries(CALLS).filter(([name]) => SOCKETS.test(name))),
      posix_socket: "US0",
      posix_socketpair: "US0p",
      posix_bind: "fu",
      posix_accept: "fuN",
      posix_connect: "fu",
      posix_sendto: "fpn0u",
      posix_recvfrom: "fpn0u",
      posix_getsockname: "fu",
      posix_sendmsg: "fm0",
      posix_recvmsg: "fm0",
      posix_unix_address: "upn",
      posix_ioctl: "fip",
    },
    reached: ["socketpair", "bind", "listen", "accept", "connect", "sendto", "recvfrom", "sendmsg", "recvmsg"],
  },
  {
    title: "calls on epolls, event counters and timers",
    calls: {
      ...Object.fromEntries(Object.entries(CALLS).filter(([name]) => DESCRIPTORS.test(name))),
      posix_epoll_create: "0",
      posix_epoll_ctl: "fEft",
      posix_epoll_wait: "fpnT",
      posix_eventfd: "nN",
      posix_timerfd_create: "iN",
      posix_timerfd_settime: "f0t0",
      posix_timerfd_gettime: "fp",
      posix_dup3: "ff0",
      posix_readv: "fvc",
      posix_writev: "fvc",
      posix_preadv: "fvco",
      posix_pwritev: "fvco",
      posix_pipe: "pN",
    },
    reached: [
      "epoll_create",
      "epoll_ctl",
      "epoll_wait",
      "eventfd",
      "timerfd_create",
      "timerfd_settime",
      "read",
      "write",
      "dup3",
      "readv",
      "writev",
      "preadv",
    ],
  },
];

for (const [{ title, calls, reached }, seed] of MIXTURES.flatMap((mixture) =>
  [1, 2, 3].map((seed) => [mixture, seed] as const),
)) {
  test(`20000 ${title} with seeded nonsense, seed ${seed}`, () => {
    const random = seededRandom(seed);
    const isUnix = "posix_socketpair" in calls;
    const connects = "posix_accept" in calls;
    const domain = isUnix ? 1 : 2;
    const hasTimes = "posix_timerfd_settime" in calls;
    const isFiles = "posix_openat" in calls;
    const pick = (limit: number): number => Math.floor(random() * limit);
    const numbers = [0, 1, 2, 3, 4, 6, 7, 8, 9, 13, 17, 20, 21, 128, 1024, 4096, -1, -2, 0x7fff_ffff, -0x8000_0000];
    const number = (): number => (random() < 0.8 ? (numbers[pick(numbers.length)] ?? 0) : pick(2 ** 32) | 0);
    const seldom = (otherwise: number): number => (random() < 0.1 ? number() : otherwise);
    const make: Readonly<Record<string, () => number | bigint>> = {
      f: () => seldom(pick(30)),
      p: () => seldom(BUFFER + pick(64) * 8),
      n: () => seldom(pick(200)),
      i: number,
      o: () => BigInt(seldom(pick(40) - 5)) << (random() < 0.1 ? 31n : 0n),
      T: () => BigInt(pick(3) * 100_000),
      D: () => seldom(2),
      U: () => seldom(1),
      S: () => NONBLOCK | seldom(isUnix ? ([1, 1, 1, 2, 5][pick(5)] ?? 1) : 1 + pick(2)),
      u: () => seldom(NAMES + (random() < 0.7 ? 0 : pick(4)) * NAME_SIZE),
      m: () => seldom(MESSAGES + pick(4) * 24),
      N: () => NONBLOCK | seldom(0),
      a: () => seldom(ADDRESSES + pick(4) * 16),
      P: () => seldom(PATHS + pick(4) * 8),
      L: () => seldom(PATH_LENGTH),
      E: () => seldom(1 + pick(3)),
      v: () => seldom(PIECES + pick(8) * 8),
      c: () => seldom(pick(4)),
      t: () => seldom(TIMES + pick(8) * 32),
      F: () => seldom([0, 2, 0x42, 0x42, 0x241, 0xc2, 0x10000][pick(7)] ?? 0),
      C: () => seldom(random() < 0.9 ? -100 : pick(30)),
      R: () => seldom(pick(2) * 0x200),
      "0": () => seldom(0),
    };
    const names = Object.keys(calls);
    const succeeded = new Set<string>();
    const console = runApp(
      kernel,
      function* (process) {
        assert.equal(yield* process.call("posix_fcntl", 0, 4, NONBLOCK), 0);
        for (let i = 0; i < 20_000; i++) {
          if (i % 10 === 0) {
            process.put(PATHS, Buffer.from(isFiles ? FILE_PATHS : "/docs/a\0/docs/b\0/./docs\0none.no\0"));
            for (let j = 0; j < 4; j++) {
              process.put(ADDRESSES + j * 16, internetAddress(0x1f90 + pick(3), j === 3 ? 10 : 127));
            }
          }
          if (hasTimes && i % 10 === 2) {
            const times = Array.from({ length: 32 }, () => BigInt(seldom(pick(2)) * (random() < 0.5 ? 1 : 1e9 - 1)));
            process.put(TIMES, Buffer.from(BigInt64Array.from(times).buffer));
            const pieces = Array.from({ length: 12 }, () => [seldom(BUFFER + pick(2000)), seldom(pick(300))]).flat();
            process.put(PIECES, Buffer.from(Int32Array.from(pieces).buffer));
          }
          if (isUnix && i % 10 === 5) {
            ["/a", "\0b", "/a\0c", ""].forEach((name, j) =>
              process.put(NAMES + j * NAME_SIZE, unixAddress(name, seldom(name.length) & 0xffff)),
            );
            for (let j = 0; j < 4; j++) {
              const vectors = MESSAGES + 0x100 + j * 64;
              const control = MESSAGES + 0x200 + j * 64;
              const fields = [j === 0 ? NAMES : 0, vectors, pick(4), j < 2 ? 0 : control, j < 2 ? 0 : seldom(20), 0];
              process.put(MESSAGES + j * 24, Buffer.from(Int32Array.from(fields).buffer));
              const pieces = [0, 1, 2].flatMap((k) => [seldom(BUFFER + k * 400), seldom(pick(300))]);
              process.put(vectors, Buffer.from(Int32Array.from(pieces).buffer));
              const rights = [seldom(20), seldom(1), seldom(1), pick(30), pick(30)];
              process.put(control, Buffer.from(Int32Array.from(rights).buffer));
            }
          }
          if (connects && i % 400 === 0) {
            // A connection takes calls that agree: there is one that waits.
            for (let fd = 3; fd < 30; fd++) yield* process.call("posix_close", fd);
            const name = isUnix ? unixAddress(`/${i}`, 6) : internetAddress(0x2000 + i / 400, 127);
            process.put(NAMES, name); // another name may be on its way to itself for ever
            const listener = yield* process.call("posix_socket", domain, 1 | NONBLOCK, 0);
            const client = yield* process.call("posix_socket", domain, 1 | NONBLOCK, 0);
            assert.equal(yield* process.call("posix_bind", listener, NAMES), 0);
            assert.equal(yield* process.call("posix_listen", listener, 5), 0);
            assert.equal(yield* process.call("posix_connect", client, NAMES), isUnix ? 0 : EINPROGRESS);
          }
          if (i % 50 === 0) yield* process.call("posix_nanosleep", 50_000_000n);
          const name = names[pick(names.length)] ?? "";
          const args = [...(calls[name] ?? "")].map((kind) => make[kind]?.() ?? 0);
          const result = yield* process.call(name, ...args);
          assert.ok(result >= -133, `${name}(${args.join(", ")}) = ${result}`);
          if (result >= 0) succeeded.add(name.replace("posix_", ""));
        }
      },
      { "/docs/a": "a".repeat(5000), "/docs/b/c": "c", "/x": "" },
    );
    assert.doesNotMatch(console, /panic|crash/);
    assert.deepEqual(
      reached.filter((name) => !succeeded.has(name)),
      [],
    );
  });
}
