// /dev/null and /dev/zero, on the real kernel under Node: null(4), and what open(2) and its kin make of their paths.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { EBADF, EFAULT, EINVAL, ENOENT, ENOTDIR, runApp } from "./machine.ts";

const [O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_NONBLOCK, O_DIRECTORY] = [0, 1, 2, 0x40, 0x200, 0x800, 0x10000];
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
      ["/dev", O_RDONLY, -ENOENT],
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

test("devices: an embedded file of the name goes before", () => {
  runApp(
    kernel,
    function* (process) {
      const fd = yield* process.withPath("posix_open", "/dev/null", O_RDONLY);
      assert.equal(yield* process.call("posix_read", fd, BUFFER, 10), 4);
      assert.equal(process.get(BUFFER, 4).toString(), "file");
    },
    { "/dev/null": "file" },
  );
});
