// Each function of WASI with arguments at random, many of them hostile: it answers an error number or success, the kernel goes on, and nothing is
// written where the program has given no room. KARYON_WASI_FUZZ_SEEDS=100 npm test -- fake/wasi/fuzz does more than the usual ones.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { App } from "../../../tools/fake-xen/coroutines.ts";
import { APP_BASE, type Domain } from "../../../tools/fake-xen/domain.ts";
import { Host } from "../../../tools/fake-xen/host.ts";
import { filesBlob } from "../../../tools/image/files.ts";
import { fakeKernel } from "../../support/fake.ts";
import { wasiStart } from "./runner.ts";
import { Arguments, END, KEPT } from "./fuzz_arguments.ts";

type Value = number | bigint;
type Make = (any: Arguments) => readonly Value[];

/** Three succeed with everything. */
const SEEDS = Math.max(3, Number(process.env["KARYON_WASI_FUZZ_SEEDS"] ?? "3"));
const CALLS = 6000;
const HIGHEST_ERROR = 76;
/** Those of sock_getaddrinfo are behind them. */
const HIGHEST_NAME_ERROR = 87;
const NONBLOCK = 4;
/** The first descriptor behind the directory. */
const FIRST = 4;
const RIGHTS = [0n, 2n, 0x40n, 0x42n, 0x42n, 0x4000n, -1n];
const OPENING = [0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 8, 9, 16, 0xffff_ffff];

/** File sizes and such flags of descriptors that nothing waits. */
const flags = (any: Arguments): number => NONBLOCK | any.pick([0, 0, 0, 1, 2, 8, 16, 32, 0xffff_fff0]);
const place = (any: Arguments): [number, number, number] => [any.directory(), ...any.text()];
const lookup = (any: Arguments): number => any.pick([0, 1, 1, 2, 0xffff_ffff]);
const word = (any: Arguments): number => any.output(4);

/** What each function is called with; proc_exit does not return. */
const FUNCTIONS: Readonly<Record<string, Make>> = {
  args_get: (any) => [any.output(64), any.output(64)],
  args_sizes_get: (any) => [word(any), word(any)],
  clock_res_get: (any) => [any.small(4), any.output(8)],
  clock_time_get: (any) => [any.small(4), any.long(), any.output(8)],
  environ_get: (any) => [any.output(64), any.output(64)],
  environ_sizes_get: (any) => [word(any), word(any)],
  fd_advise: (any) => [any.descriptor(), any.long(), any.long(), any.small(6)],
  fd_allocate: (any) => [any.descriptor(), any.long(), any.long()],
  fd_close: (any) => [any.descriptor(true)],
  fd_datasync: (any) => [any.descriptor()],
  fd_fdstat_get: (any) => [any.descriptor(), any.output(24)],
  fd_fdstat_set_flags: (any) => [any.descriptor(), flags(any)],
  fd_fdstat_set_rights: (any) => [any.descriptor(), any.long(), any.long()],
  fd_filestat_get: (any) => [any.descriptor(), any.output(64)],
  fd_filestat_set_size: (any) => [any.descriptor(), any.long()],
  fd_filestat_set_times: (any) => [any.descriptor(), any.long(), any.long(), any.small(16)],
  fd_pread: (any) => [any.descriptor(), ...any.pieces(), any.long(), word(any)],
  fd_prestat_dir_name: (any) => [any.pick([3, 3, any.descriptor()]), ...any.buffer()],
  fd_prestat_get: (any) => [any.pick([3, 3, any.descriptor()]), any.output(8)],
  fd_pwrite: (any) => [any.descriptor(), ...any.pieces(), any.long(), word(any)],
  fd_read: (any) => [any.descriptor(), ...any.pieces(), word(any)],
  fd_readdir: (any) => [any.descriptor(), ...any.buffer(), any.long(), word(any)],
  fd_renumber: (any) => [any.descriptor(true), any.descriptor(true)],
  fd_seek: (any) => [any.descriptor(), any.long(), any.small(3), any.output(8)],
  fd_sync: (any) => [any.descriptor()],
  fd_tell: (any) => [any.descriptor(), any.output(8)],
  fd_write: (any) => [any.descriptor(), ...any.pieces(), word(any)],
  path_create_directory: place,
  path_filestat_get: (any) => [any.directory(), lookup(any), ...any.text(), any.output(64)],
  path_filestat_set_times: (any) => [
    ...[any.directory(), lookup(any), ...any.text()],
    ...[any.long(), any.long(), any.small(16)],
  ],
  path_link: (any) => [any.directory(), lookup(any), ...any.text(), ...place(any)],
  path_open: (any) => [
    ...[any.directory(), lookup(any), ...any.text(), any.pick(OPENING), any.pick(RIGHTS), any.long()],
    ...[flags(any), word(any)],
  ],
  path_readlink: (any) => [...place(any), ...any.buffer(), word(any)],
  path_remove_directory: place,
  path_rename: (any) => [...place(any), ...place(any)],
  path_symlink: (any) => [...any.text(), ...place(any)],
  path_unlink_file: place,
  poll_oneoff: (any) => {
    const [at, count] = any.subscriptions();
    return [at, any.output(count * 32), any.once(20) ? any.pick([0x8000_0000, 0xffff_ffff, 1025]) : count, word(any)];
  },
  proc_raise: (any) => [any.number()],
  random_get: (any) => any.buffer(),
  sched_yield: () => [],
  sock_accept: (any) => [any.descriptor(), any.pick([NONBLOCK, NONBLOCK, 1, 0xffff_ffff]), word(any)],
  sock_bind: (any) => [any.descriptor(), any.address(), any.port()],
  sock_connect: (any) => [any.descriptor(), any.address(), any.port()],
  sock_getaddrinfo: (any) => {
    const entries = any.pick([0, 1, 4]);
    return [...any.node(), ...any.service(), any.hints(), any.list(entries), entries, any.output(4)];
  },
  sock_getlocaladdr: (any) => [any.descriptor(), any.room(), word(any), word(any)],
  sock_getpeeraddr: (any) => [any.descriptor(), any.room(), word(any), word(any)],
  sock_getsockopt: (any) => {
    const length = any.pick([4, 4, 8, 16, 100, 3, 0, 0xffff_ffff]);
    const value = length > END ? any.pick([0, END]) : any.output(length);
    return [any.descriptor(), any.small(1), any.small(15), value, any.exchanged(length)];
  },
  sock_listen: (any) => [any.descriptor(), any.number()],
  sock_open: (any) => [any.small(2), any.small(2), word(any)],
  sock_recv: (any) => [any.descriptor(), ...any.pieces(), any.small(3), word(any), any.output(2)],
  sock_recv_from: (any) => [
    ...[any.descriptor(), ...any.pieces(), any.room(), any.small(3)],
    ...[any.output(2), word(any), any.output(2)],
  ],
  sock_send: (any) => [any.descriptor(), ...any.pieces(), any.pick([0, 0, 0, 1]), word(any)],
  sock_send_to: (any) => [
    ...[any.descriptor(), ...any.pieces(), any.address(), any.port()],
    ...[any.pick([0, 0, 0, 1]), word(any)],
  ],
  sock_setsockopt: (any) => {
    const [value, length] = any.pick([[any.structure([any.small(1), 0, 0, 0]), any.pick([4, 8, 16])], any.buffer()]);
    return [any.descriptor(), any.small(1), any.small(15), value, length];
  },
  sock_shutdown: (any) => [any.descriptor(), any.small(4)],
};

const kernel = await fakeKernel();
/** How often each function has succeeded. */
const successes = new Map<string, number>();

/** Calls of the kernel; each must change nothing where there is no room. */
function* fuzz(domain: Domain, seed: number): App {
  const memory = domain.memory.bytes.subarray(APP_BASE, APP_BASE + END);
  const any = new Arguments(seed, memory);
  const names = Object.keys(FUNCTIONS);
  yield* wasiStart(domain);
  yield { name: "wasi_fd_fdstat_set_flags", args: [0, NONBLOCK] };
  // A server that the others find.
  for (const [name, ...args] of [
    ["sock_open", 1, 2, 0],
    ["fd_fdstat_set_flags", FIRST, NONBLOCK],
    ["sock_bind", FIRST, any.structure([any.structure([0]), 4]), 7],
    ["sock_listen", FIRST, 8],
  ] as const) {
    assert.equal(Number(yield { name: `wasi_${name}`, args }), 0, name);
  }
  for (let i = 0; i < CALLS; i++) {
    any.begin();
    const name = any.pick(names);
    const args = FUNCTIONS[name]?.(any) ?? [];
    const before = KEPT.map(([start, end]) => Buffer.from(memory.slice(start, end)));
    const result = Number(yield { name: `wasi_${name}`, args });
    const what = `seed ${seed}, call ${i}: ${name}(${args.join(", ")}) is ${result}`;
    assert.ok(result >= 0 && result <= (name === "sock_getaddrinfo" ? HIGHEST_NAME_ERROR : HIGHEST_ERROR), what);
    for (const [index, [start, end]] of KEPT.entries()) {
      assert.ok(before[index]?.equals(memory.subarray(start, end)), `${what}, and something at ${start} … has changed`);
    }
    if (result !== 0) continue;
    successes.set(name, (successes.get(name) ?? 0) + 1);
    if (name !== "sock_open") continue;
    const opened = new DataView(memory.buffer, memory.byteOffset).getUint32(Number(args[2]), true);
    yield { name: "wasi_fd_fdstat_set_flags", args: [opened, NONBLOCK] };
  }
  return 0;
}

test("the table has each function that the kernel has", () => {
  const exported = WebAssembly.Module.exports(kernel).flatMap(({ name }) => /^wasi_(\w+)/.exec(name)?.[1] ?? []);
  assert.deepEqual(Object.keys(FUNCTIONS), exported.filter((name) => name !== "proc_exit").sort());
});

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`${CALLS} calls with seeded nonsense, seed ${seed}`, () => {
    const host = new Host(kernel, seed);
    const guest = host.create({
      commandLine: "ip=10.0.0.2/24 env.A=1 -- one",
      network: { mac: "00:16:3e:00:00:02" },
      files: filesBlob([
        { path: "/etc/motd", data: Buffer.from("be welcome\n"), modified: 1_700_000_000_000_000_000n },
      ]),
      appLowest: 0,
      app: (domain) => fuzz(domain, seed),
    });
    host.world.runUntil(() => guest.domain.shutdown !== undefined, 6000e9);
    assert.match(guest.console, /app: exit status 0/);
  });
}

test("the nonsense has sense enough: all that can succeed has done so", () => {
  const never = Object.keys(FUNCTIONS).filter((name) => !successes.has(name));
  assert.deepEqual(never, ["fd_fdstat_set_rights", "proc_raise"]);
});
