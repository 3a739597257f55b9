// Options of TCP sockets as an app sets and reads them.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { EINVAL, ENOENT, type Process, runApp } from "./machine.ts";

const IPPROTO_TCP = 6;
const TCP_CONGESTION = 13;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function* setText(process: Process, fd: number, name: number, text: string): Piece<number> {
  process.put(BUFFER, Buffer.from(text, "latin1"));
  return yield* process.call("posix_setsockopt", fd, IPPROTO_TCP, name, BUFFER, text.length);
}

function* getText(process: Process, fd: number, name: number, length = 64): Piece<string> {
  const size = yield* process.call("posix_getsockopt", fd, IPPROTO_TCP, name, BUFFER, length);
  assert.ok(size >= 0, `${size}`);
  return process.get(BUFFER, size).toString("latin1");
}

// RFC 9293 MAY-18
test("TCP_CONGESTION: CUBIC unless NewReno is asked for by name", () => {
  runApp(kernel, function* (process) {
    const fd = yield* process.socket("tcp");
    assert.equal(yield* getText(process, fd, TCP_CONGESTION), "cubic".padEnd(16, "\0"));
    assert.equal(yield* setText(process, fd, TCP_CONGESTION, "reno"), 0);
    assert.equal(yield* getText(process, fd, TCP_CONGESTION, 4), "reno");
    assert.equal(yield* setText(process, fd, TCP_CONGESTION, "cubic\0rest"), 0);
    assert.equal(yield* getText(process, fd, TCP_CONGESTION, 5), "cubic");
    for (const name of ["", "bbr", "cub", "cubics", "renovation of a long name"]) {
      assert.equal(yield* setText(process, fd, TCP_CONGESTION, name), name === "" ? -EINVAL : -ENOENT);
    }
    assert.equal(yield* getText(process, fd, TCP_CONGESTION, 5), "cubic");
  });
});
