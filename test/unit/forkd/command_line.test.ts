// forkd reads a guest's command line as the guest does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { commandLineOption } from "../../../tools/forkd/family/command_line.ts";

const CASES: readonly (readonly [commandLine: string, fork: string | undefined])[] = [
  ["", undefined],
  ["ip=dhcp", undefined],
  ["fork=4", "4"],
  ["  ip=off   fork=4 ", "4"],
  ["fork=4 fork=64", "4"],
  ["xfork=4", undefined],
  ["ip=off -- fork=4", undefined],
  ["fork=4 -- fork=64", "4"],
  ['env.A="b fork=64 c" fork=4', "4"],
  ["env.A='b fork=64' fork=4", "4"],
  ['env.A="b \\" fork=64" fork=4', "4"],
  ["env.A=b\\ fork=64 fork=4", "4"],
  ['"fork=4"', "4"],
  ["fork=", ""],
  ['fork="4 5"', "4 5"],
  ['env.A="not closed fork=64', undefined],
  ['"--" fork=4', undefined],
  ["env.A=-- fork=4", "4"],
  ["env.A=\\", undefined],
];

for (const [commandLine, fork] of CASES) {
  test(`fork in: ${commandLine}`, () => {
    assert.equal(commandLineOption(commandLine, "fork"), fork);
  });
}
