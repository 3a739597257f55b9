// A program in C for WASI: what it begins with, and how it ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import { boot, finish, suspendableProgram } from "./runner.ts";

const kernel = await fakeKernel();

test("arguments, environment, clocks, random numbers, memory, console and exit status", async () => {
  const { host, guest } = boot(kernel, await suspendableProgram("hello.c"), {
    commandLine: 'ip=off env.A=1 env.EMPTY= -- one "two words"',
  });
  guest.awaitConsole("name? ");
  guest.domain.console.type("karyon\r");
  const { output, status } = finish(host, guest);
  assert.equal(status, 7);
  for (const line of [
    "3 arguments: <image> <one> <two words>\n",
    "A=1 EMPTY=<> NONE=missing\n",
    "year 2026, clock goes on\n",
    "random differs\n",
    "memory ends with 7; 3.143\n",
    "a terminal: 1\n",
    "hello karyon\n",
    "to stderr\n",
    // EBADF, EFAULT, EINVAL, ENOTSUP, EFAULT, EFAULT, EFAULT, EFAULT
    "errors: 8 21 28 58 21 21 21 21\n",
  ]) {
    assert.ok(output.includes(line), `${line} is missing in\n${output}`);
  }
});
