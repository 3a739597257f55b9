// System calls against models of what they should do, on the real kernel under Node.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { seededRandom } from "../../../tools/fake-xen/world.ts";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { EBADF, EFAULT, EINVAL, EMFILE, ENOENT, ENOTDIR, type Process, runApp } from "./machine.ts";

const PAGE = 4096;
const WASM_PAGE = 65536;
const OPEN_MAX = 1024;
const ENODEV = 19;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function* checkBounds(process: Process, fd: number, size: number): Piece<void> {
  const edges = [0, PAGE, size, 2 ** 31, 2 ** 32].flatMap((edge) => [edge - 2, edge - 1, edge, edge + 1, edge + 2]);
  const values = [...new Set([...edges, size - PAGE, size / 2, 0x4000_0000, 0xc000_0000])];
  for (const pointer of values) {
    for (const length of values) {
      if (pointer < 0 || pointer >= 2 ** 32 || length < 0 || length >= 2 ** 32) continue;
      const counted = Math.min(length, 0x7fff_f000); // what read() and its kin cut to
      const inside = pointer + counted <= size && (counted === 0 || pointer >= PAGE);
      const result = yield* process.call("posix_pread", fd, pointer | 0, length | 0, 0n);
      assert.equal(result, inside ? 0 : -EFAULT, `${pointer} + ${length} of ${size}`);
    }
  }
}

test("app memory: every pointer and length near every limit, before and after growing", () => {
  runApp(
    kernel,
    function* (process) {
      const fd = yield* process.withPath("posix_open", "/empty", 0);
      const pages = yield* process.call("app_memory_size");
      yield* checkBounds(process, fd, pages * WASM_PAGE);
      assert.equal(yield* process.call("app_memory_grow", 3), pages);
      assert.equal(yield* process.call("app_memory_size"), pages + 3);
      yield* checkBounds(process, fd, (pages + 3) * WASM_PAGE);
      for (const tooMany of [1 << 16, 0xffff_fff0 | 0, 0x7fff_ffff]) {
        assert.equal(yield* process.call("app_memory_grow", tooMany), -1);
      }
      assert.equal(yield* process.call("app_memory_grow", 0), pages + 3);
    },
    { "/empty": "" },
  );
});

test("app memory: what is too much for the domain is refused and changes nothing", () => {
  runApp(kernel, function* (process) {
    const pages = yield* process.call("app_memory_size");
    assert.equal(yield* process.call("app_memory_grow", 900), -1); // 56 MiB of 16
    assert.equal(yield* process.call("app_memory_grow", 1), pages);
    const last = (pages + 1) * WASM_PAGE - 8;
    assert.deepEqual(process.get(last, 8), Buffer.alloc(8));
  });
});

const FILES = [
  ...[
    "/a",
    "/a-b/c",
    "/b/a",
    "/b/a-",
    "/b/a.html",
    "/b/c/d/e/f",
    "/b/c/d.txt",
    "/c/x",
    "/c0",
    "/d/ü",
    "/d/u",
    "/é/é/é",
  ],
  ...Array.from({ length: 60 }, (_, i) => `/many/${(i * 7919) % 1000}`),
];

/** What POSIX makes of a path in the tree: the canonical path, or the error. */
function resolve(path: string): string | number {
  const isDirectory = (at: string): boolean => at === "" || FILES.some((file) => file.startsWith(`${at}/`));
  if (path === "") return -ENOENT;
  let at = "";
  const parts = path.split("/").filter((part) => part !== "");
  for (const part of parts) {
    if (!isDirectory(at)) return FILES.includes(at) ? -ENOTDIR : -ENOENT;
    if (part === "..") at = at.slice(0, Math.max(0, at.lastIndexOf("/")));
    else if (part !== ".") at += `/${part}`;
  }
  if (isDirectory(at)) return at;
  if (!FILES.includes(at)) return -ENOENT;
  return path.endsWith("/") ? -ENOTDIR : at;
}

test("paths: 4000 made of pieces of the tree, dots and slashes lead where POSIX says", () => {
  const random = seededRandom(3);
  const pieces = [...new Set(FILES.flatMap((file) => file.split("/")))];
  pieces.push(".", "..", "", "zz", "a.html", "...");
  const contents = Object.fromEntries(FILES.map((file) => [file, `contents of ${file}`]));
  runApp(
    kernel,
    function* (process) {
      for (let i = 0; i < 4000; i++) {
        const length = 1 + Math.floor(random() * 5);
        const parts = Array.from({ length }, () => pieces[Math.floor(random() * pieces.length)] ?? "");
        const path = (random() < 0.8 ? "/" : "") + parts.join("/");
        const expected = resolve(path);
        const fd = yield* process.withPath("posix_open", path, 0);
        if (typeof expected === "number") {
          assert.equal(fd, expected, path);
          continue;
        }
        assert.ok(fd >= 3, `${path} should be ${expected}, is ${fd}`);
        const length2 = yield* process.call("posix_read", fd, BUFFER, 256);
        const text = contents[expected];
        if (text === undefined) assert.equal(length2, -21, path);
        else assert.equal(process.get(BUFFER, length2).toString(), text);
        yield* process.call("posix_close", fd);
      }
    },
    contents,
  );
});

function* list(process: Process, path: string, room: number): Piece<string[]> {
  const names: string[] = [];
  const fd = yield* process.withPath("posix_open", path, 0);
  for (;;) {
    const length = yield* process.call("posix_getdents", fd, BUFFER, room);
    assert.ok(length >= 0, `getdents of ${path}: ${length}`);
    if (length === 0) break;
    const bytes = process.get(BUFFER, length);
    for (let at = 0; at < length; at += bytes.readUInt16LE(at + 8)) {
      const name = bytes.toString("utf8", at + 13, at + 13 + bytes.readUInt16LE(at + 10));
      names.push(bytes[at + 12] === 4 ? `${name}/` : name);
    }
  }
  yield* process.call("posix_close", fd);
  return names;
}

test("directories: every one lists what is in it, however small the buffer", () => {
  const directories = new Set([""]);
  for (const file of FILES)
    for (let at = file.indexOf("/", 1); at > 0; at = file.indexOf("/", at + 1)) directories.add(file.slice(0, at));
  runApp(
    kernel,
    function* (process) {
      for (const directory of directories) {
        const below = FILES.filter((file) => file.startsWith(`${directory}/`));
        const names = below.map((file) => file.slice(directory.length + 1).replace(/\/.*/, "/"));
        const expected = [...new Set(directory === "" ? [...names, "dev/", "proc/", "tmp/"] : names)].sort();
        for (const room of [40, 64, 4096]) {
          assert.deepEqual((yield* list(process, directory || "/", room)).sort(), expected, directory);
        }
      }
    },
    Object.fromEntries(FILES.map((file) => [file, file])),
  );
});

test("descriptors: 5000 random opens, closes and duplicates match the model", () => {
  const random = seededRandom(4);
  const pick = (limit: number): number => Math.floor(random() * limit);
  // The model: a shared position by descriptor.
  const open = new Map<number, { position: number }>();
  const lowest = (from: number): number => {
    let fd = from;
    while (fd < 3 || open.has(fd)) fd++;
    return fd < OPEN_MAX ? fd : -EMFILE;
  };
  runApp(
    kernel,
    function* (process) {
      for (let step = 0; step < 5000; step++) {
        const fd = step < 1500 ? pick(1200) - 20 : pick(60);
        const file = open.get(fd);
        const action = step < 1500 ? 0 : pick(5);
        if (action === 0) {
          const expected = lowest(3);
          assert.equal(yield* process.withPath("posix_open", "/f", 0), expected);
          if (expected > 0) open.set(expected, { position: 0 });
        } else if (action === 1) {
          if (fd < 3) continue;
          assert.equal(yield* process.call("posix_close", fd), file === undefined ? -EBADF : 0);
          open.delete(fd);
        } else if (action === 2) {
          if (fd < 3) continue;
          const expected = file === undefined ? -EBADF : lowest(3);
          assert.equal(yield* process.call("posix_dup", fd), expected);
          if (file !== undefined && expected > 0) open.set(expected, file);
        } else if (action === 3) {
          if (fd < 3) continue;
          const target = 3 + pick(OPEN_MAX + 5);
          const fails = file === undefined || target >= OPEN_MAX;
          assert.equal(yield* process.call("posix_dup2", fd, target), fails ? -EBADF : target);
          if (!fails) open.set(target, file);
        } else if (file !== undefined) {
          file.position += pick(9);
          assert.equal(yield* process.call("posix_lseek", fd, BigInt(file.position), 0), file.position);
          assert.equal(yield* process.call("posix_lseek", fd, 0n, 1), file.position);
        }
        for (const [other, { position }] of pick(50) === 0 ? open : []) {
          assert.equal(yield* process.call("posix_lseek", other, 0n, 1), position);
        }
      }
    },
    { "/f": "file" },
  );
});

test("waiting ends when its time is over: to the millisecond, in virtual time", () => {
  runApp(kernel, function* (process) {
    const udp = yield* process.socket("udp");
    process.put(BUFFER, Buffer.from([udp, 0, 0, 0, 1, 0, 0, 0]));
    const set = BUFFER + 64;
    for (const milliseconds of [0, 1, 20, 500, 30_000]) {
      const nanoseconds = BigInt(milliseconds) * 1_000_000n;
      process.put(set, Buffer.alloc(128));
      process.put(set, Buffer.from([1 << udp]));
      for (const [name, ...args] of [
        ["posix_nanosleep", nanoseconds],
        ["posix_poll", BUFFER, 1, nanoseconds],
        ["posix_select", udp + 1, set, 0, 0, nanoseconds],
      ] as const) {
        const start = process.now();
        assert.equal(yield* process.call(name, ...args), 0);
        const took = (process.now() - start) / 1e6;
        assert.ok(took >= milliseconds && took < milliseconds + 1, `${name}: ${took} ms instead of ${milliseconds}`);
        process.put(set, Buffer.from([1 << udp]));
      }
    }
    process.put(BUFFER, Buffer.alloc(4));
    const start = process.now();
    assert.equal(yield* process.call("posix_futex_wait", BUFFER, 0, 7_000_000n), -110);
    assert.ok(process.now() - start >= 7e6);
    assert.equal(yield* process.call("posix_futex_wait", BUFFER, 1, -1n), -11);
    assert.equal(yield* process.call("posix_futex_wait", BUFFER + 1, 0, -1n), -EINVAL);
  });
});

test("arguments and environment, whole and cut", () => {
  runApp(kernel, function* (process) {
    assert.equal(yield* process.call("posix_arguments_size"), 8);
    assert.equal(yield* process.call("posix_arguments_get", BUFFER, 100), 8);
    assert.equal(process.get(BUFFER, 8).toString(), "one\0two\0");
    process.put(BUFFER, Buffer.alloc(16, 0x7f));
    assert.equal(yield* process.call("posix_arguments_get", BUFFER, 5), 5);
    assert.equal(process.get(BUFFER, 7).toString(), "one\0t\x7f\x7f");
    assert.equal(yield* process.call("posix_environment_size"), 4);
    assert.equal(yield* process.call("posix_environment_get", BUFFER, 100), 4);
    assert.equal(process.get(BUFFER, 4).toString(), "A=1\0");
  });
});

test("threads know themselves, and wait for each other by a futex", () => {
  runApp(kernel, function* (process) {
    assert.equal(yield* process.call("posix_thread_self"), 1);
    process.put(BUFFER, Buffer.alloc(8));
    let other = 0;
    yield* process.thread(function* () {
      other = yield* process.call("posix_thread_self");
      process.put(BUFFER, Buffer.from([1]));
      assert.equal(yield* process.call("posix_futex_wake", BUFFER, 1), 1);
    });
    assert.equal(yield* process.call("posix_futex_wait", BUFFER, 0, -1n), 0);
    assert.equal(other, 2);
  });
});

test("the network's counters: all groups, and none of another number", () => {
  runApp(kernel, function* (process) {
    let groups = 0;
    while ((yield* process.call("posix_net_counters", groups, BUFFER)) === 0) groups += 1;
    assert.equal(groups, 9);
    assert.equal(yield* process.call("posix_net_counters", groups, BUFFER), -ENODEV);
    assert.equal(yield* process.call("posix_net_counters", 0, 8), -EFAULT);
  });
});
