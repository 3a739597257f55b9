// What the kernel says about a command line that it cannot have got whole.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import { Host } from "../../tools/fake-xen/host.ts";
import { fakeKernel } from "../support/fake.ts";

/** What the toolstack hands over at most (xen.h, MAX_GUEST_CMDLINE without the final NUL). */
const MOST = 1023;
const MESSAGE = /kernel: command line: too long, or an open quote/;

const kernel = await fakeKernel();

/** The console of a domain with this command line, as the toolstack cuts it, whose app ends at once. */
function consoleOf(commandLine: string): string {
  const host = new Host(kernel, 1);
  const guest = host.create({
    commandLine: commandLine.slice(0, MOST),
    *app(): App {
      yield { name: "posix_getpid", args: [] };
      return 0;
    },
  });
  host.world.runUntil(() => guest.domain.shutdown !== undefined);
  return guest.console;
}

test("nothing about one that is whole, however long", () => {
  const words = Array.from({ length: 126 }, () => "a").join(" ");
  for (const whole of ["ip=off", 'ip=off -- "a b" \'c " d\' e\\"', `ip=off ${"x".repeat(1015)}`, `ip=off ${words}`]) {
    assert.doesNotMatch(consoleOf(whole), MESSAGE, whole);
  }
});

test("that it is cut, has too many words, or a quote has no end", () => {
  const words = Array.from({ length: 200 }, () => "a").join(" ");
  for (const wrong of [
    `ip=off ${"x".repeat(1016)}`,
    "y ".repeat(2000),
    `ip=off ${words}`,
    'ip=off -- "a b',
    "ip=off 'a",
  ]) {
    assert.match(consoleOf(wrong), MESSAGE, wrong);
  }
});
