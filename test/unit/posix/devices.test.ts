// /dev on the real kernel under Node: null(4), random(4), descriptors as files, and what open(2) and its kin make of their paths.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { FileCalls } from "./file_calls.ts";
import { EBADF, EFAULT, EINVAL, ENOENT, ENOTDIR, runApp } from "./machine.ts";

const [O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_NONBLOCK, O_DIRECTORY] = [0, 1, 2, 0x40, 0x200, 0x800, 0x10000];
const O_NOFOLLOW = 0x20000;
const [EISDIR, ENOSPC, ELOOP, ENXIO] = [21, 28, 40, 6];
const F_GETFL = 3;
const POLLIN_OUT = 5;
const S_IFCHR = 0x2000;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

test("devices: paths lead to them as to files", () => {
  runApp(kernel, function* (process) {
    const paths: [path: string, flags: number, error: number][] = [
      ["/dev/null", O_RDONLY, 0],
      ["//dev//zero", O_RDWR, 0],
      ["dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0],
      ["/dev/null/", O_RDONLY, -ENOTDIR],
      ["/dev/null/x", O_RDONLY, -ENOTDIR],
      ["/dev/zero/..", O_RDONLY, -ENOTDIR],
      ["/dev/null", O_DIRECTORY, -ENOTDIR],
      ["/dev/nul", O_RDONLY, -ENOENT],
      ["/dev/null0", O_RDONLY, -ENOENT],
      ["/dev", O_RDONLY, 0],
      ["/dev", O_WRONLY, -EISDIR],
      ["/dev/fd", O_DIRECTORY, 0],
      ["/dev/fd/0", O_RDONLY, 0],
      ["/dev/fd/00", O_RDONLY, -ENOENT],
      ["/dev/fd/9", O_RDONLY, -ENOENT],
      ["/dev/fd/1024", O_RDONLY, -ENOENT],
      ["/dev/stdin", O_RDONLY, 0],
      ["/dev/stdout", O_RDONLY | O_NOFOLLOW, -ELOOP],
      ["/dev/fd/../fd/./../null", O_RDWR, 0],
      ["/null", O_RDONLY, -ENOENT],
    ];
    for (const [path, flags, error] of paths) {
      const fd = yield* process.withPath("posix_open", path, flags);
      if (error !== 0) assert.equal(fd, error, path);
      else assert.equal(yield* process.call("posix_close", fd), 0, path);
    }
  });
});

test("devices: what is written is gone, what is read is nothing or zeros, of the access mode's directions", () => {
  const page = 4096;
  runApp(kernel, function* (process) {
    for (const [path, size] of [
      ["/dev/null", 0],
      ["/dev/zero", page],
    ] as const) {
      for (const mode of [O_RDONLY, O_WRONLY, O_RDWR]) {
        const fd = yield* process.withPath("posix_open", path, mode | O_NONBLOCK);
        assert.equal(yield* process.call("posix_fcntl", fd, F_GETFL, 0), mode | O_NONBLOCK);
        process.put(BUFFER, Buffer.alloc(page, 0xaa));
        const [read, write] = [mode === O_WRONLY ? -EBADF : size, mode === O_RDONLY ? -EBADF : page];
        assert.equal(yield* process.call("posix_write", fd, BUFFER, page), write);
        assert.equal(yield* process.call("posix_read", fd, BUFFER, page), read);
        const left = read === page ? 0 : 0xaa;
        assert.ok(process.get(BUFFER, page).equals(Buffer.alloc(page, left)), `${path} with mode ${mode}`);
        assert.equal(yield* process.call("posix_pread", fd, BUFFER, page, 12n), read);
        assert.equal(yield* process.call("posix_pread", fd, BUFFER, page, -1n), -EINVAL);
        assert.equal(yield* process.call("posix_read", fd, 0, 1), -EFAULT);
        assert.equal(yield* process.call("posix_write", fd, -1, 2), -EFAULT);
        assert.equal(yield* process.call("posix_lseek", fd, 1000n, 2), 0);
        yield* process.call("posix_close", fd);
      }
    }
  });
});

test("devices: always ready, character devices by path and by descriptor, a sink for sendfile", () => {
  const text = "to nowhere";
  runApp(
    kernel,
    function* (process) {
      const fd = yield* process.withPath("posix_open", "/dev/null", O_RDWR);
      const mode = (): number => process.get(BUFFER, 4).readUInt32LE();
      assert.equal(yield* process.call("posix_fstat", fd, BUFFER), 0);
      assert.equal(mode(), S_IFCHR | 0o666);
      process.put(BUFFER, Buffer.alloc(64, 0xff));
      assert.equal(yield* process.withPath("posix_stat", "/dev/zero", BUFFER), 0);
      assert.equal(mode(), S_IFCHR | 0o666);
      process.put(BUFFER, Buffer.from([fd, 0, 0, 0, POLLIN_OUT, 0, 0, 0]));
      assert.equal(yield* process.call("posix_poll", BUFFER, 1, -1n), 1);
      assert.equal(process.get(BUFFER + 6, 1)[0], POLLIN_OUT);
      const file = yield* process.withPath("posix_open", "/file", O_RDONLY);
      assert.equal(yield* process.call("posix_sendfile", fd, file, -1n, 100), text.length);
      assert.equal(yield* process.call("posix_sendfile", fd, fd, -1n, 100), -EINVAL);
    },
    { "/file": text },
  );
});

test("devices: /dev hides what is embedded there, and is listed", () => {
  runApp(
    kernel,
    function* (process) {
      const files = new FileCalls(process);
      assert.equal(String(yield* files.contents("/dev/null")), "");
      assert.equal(yield* files.open("/dev/other"), -ENOENT);
      const names = ["null", "zero", "full", "random", "urandom", "console", "stdin", "stdout", "stderr", "fd"];
      assert.deepEqual(yield* files.readdir("/dev"), names);
      assert.deepEqual(yield* files.readdir("/dev/fd"), ["0", "1", "2", "3"]);
      assert.equal(yield* files.readlink("/dev/stderr"), "fd/2");
    },
    { "/dev/null": "file", "/dev/other": "file" },
  );
});

test("devices: full never has room, random is random each time", () => {
  runApp(kernel, function* (process) {
    const files = new FileCalls(process);
    const full = yield* files.open("/dev/full", O_RDWR);
    assert.equal(yield* files.write(full, "x"), -ENOSPC);
    assert.deepEqual(yield* files.read(full, 5), Buffer.alloc(5));
    const seen = new Set<string>();
    for (const path of ["/dev/random", "/dev/urandom"]) {
      const fd = yield* files.open(path, O_RDWR);
      for (let i = 0; i < 20; i++) seen.add(((yield* files.read(fd, 16)) as Buffer).toString("hex"));
      assert.equal(yield* files.write(fd, "entropy"), 7);
    }
    assert.equal(seen.size, 40);
    const numbers: bigint[] = [];
    for (const path of ["null", "zero", "full", "random", "urandom", "console"]) {
      const status = yield* files.stat(`/dev/${path}`);
      assert.ok(typeof status !== "number" && (status.mode & 0xf000) === S_IFCHR);
      numbers.push(status.special);
    }
    assert.deepEqual(numbers, [0x103n, 0x105n, 0x107n, 0x108n, 0x109n, 0x501n]);
  });
});

test("devices: a descriptor opened as a file: files anew, pipes and the console once more, sockets not", () => {
  const console = runApp(
    kernel,
    function* (process) {
      const files = new FileCalls(process);
      const fd = yield* files.open("/file");
      yield* files.read(fd, 2);
      const again = yield* files.open(`/dev/fd/${fd}`);
      assert.equal(String(yield* files.read(again, 10)), "text");
      assert.equal(String(yield* files.read(fd, 10)), "xt");
      assert.equal(yield* files.open(`/dev/fd/${fd}`, O_WRONLY), -30);
      const directory = yield* files.open("/");
      assert.equal(String(yield* files.contents(`/dev/fd/${directory}/file`)), "text");
      assert.equal(yield* files.call("pipe", BUFFER, 0), 0);
      const [reader = 0, writer = 0] = [process.get(BUFFER, 4).readInt32LE(), process.get(BUFFER + 4, 4).readInt32LE()];
      const end = yield* files.open(`/dev/fd/${writer}`, O_WRONLY);
      assert.equal(yield* files.write(end, "piped"), 5);
      assert.equal(String(yield* files.read(reader, 10)), "piped");
      const socket = yield* process.socket("tcp");
      assert.equal(yield* files.open(`/dev/fd/${socket}`), -ENXIO);
      const kinds = [fd, directory, reader, socket, 1];
      const modes: number[] = [];
      for (const kind of kinds) {
        const [byPath, byDescriptor] = [yield* files.stat(`/dev/fd/${kind}`), yield* files.fstat(kind)];
        assert.ok(typeof byPath !== "number");
        assert.deepEqual(byPath, byDescriptor);
        modes.push(byPath.mode & 0xf000);
      }
      assert.deepEqual(modes, [0x8000, 0x4000, 0x1000, 0xc000, 0x2000]);
      const out = yield* files.open("/dev/stdout", O_WRONLY);
      assert.equal(yield* files.write(out, "out and "), 8);
      const device = yield* files.open("/dev/console", O_RDWR);
      assert.equal(yield* files.write(device, "console\n"), 8);
    },
    { "/file": "text" },
  );
  assert.match(console, /out and console/);
});
