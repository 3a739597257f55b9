// The table of `forkd status`.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  durationText,
  memoryText,
  statusTable,
  type FamilyStatus,
  type ProcessStatus,
} from "../../../tools/forkd/family/status.ts";

const NOW = new Date("2026-03-01T12:00:00Z");

function process(pid: number, parent: number, more: Partial<ProcessStatus> = {}): ProcessStatus {
  return {
    ...{ pid, parent, name: pid === 1 ? "web" : `web-${pid}`, domain: pid + 10, uuid: "", state: "running" },
    ...{
      mac: undefined,
      address: undefined,
      born: new Date("2026-03-01T10:58:00Z"),
      ownPages: 2048,
      sharedPages: 0,
      cpuMs: 1250,
    },
    ...more,
  };
}

function family(...processes: ProcessStatus[]): FamilyStatus {
  return { uuid: "9d1e8b62-6b5c-4a57-9d43-8f0f4f2f7a11", name: "web", limits: "fork=8 fork-rate=100", processes };
}

test("a family is a tree", () => {
  const processes = [
    process(1, 0, { mac: "00:16:3e:01:02:03" }),
    process(2, 1, { ownPages: 60, sharedPages: 1988, mac: "00:16:3e:01:02:04", address: "10.0.2.16" }),
    process(3, 1, { state: "shell", domain: 0, born: undefined }),
    process(5, 2),
  ];
  assert.equal(
    statusTable([family(...processes)], NOW),
    `web  fork=8 fork-rate=100
  family 9d1e8b62-6b5c-4a57-9d43-8f0f4f2f7a11
PID NAME               DOM STATE      OWN SHARED    CPU    AGE ADDRESS
1 web                   11 running   8.0M      -   1.3s   1h02 00:16:3e:01:02:03
  2 web-2               12 running   240K   7.8M   1.3s   1h02 10.0.2.16
    5 web-5             15 running   8.0M      -   1.3s   1h02 -
  3 web-3                - shell     8.0M      -   1.3s      - -
`,
  );
});

test("every process is shown once, whatever the parents' numbers are", () => {
  const text = statusTable([family(process(2, 1), process(3, 9), process(4, 4), process(5, 6), process(6, 5))], NOW);
  for (const pid of [2, 3, 4, 5, 6]) assert.equal(text.match(new RegExp(`^ *${pid} web`, "gm"))?.length, 1, text);
});

test("no line is longer than 80 columns", () => {
  const long = process(123456, 1, {
    ...{
      name: "a-very-long-name-of-a-domain-indeed-123456",
      domain: 32751,
      state: "running",
      mac: "00:16:3e:7f:ff:ff",
    },
    ...{ ownPages: 900_000, sharedPages: 900_000, cpuMs: 9e9, born: new Date(0) },
  });
  for (const line of statusTable([family(long)], NOW).split("\n")) assert.ok(line.length <= 80, line);
});

test("without families it says so", () => {
  assert.equal(statusTable([], NOW), "no domain offers fork\n");
});

test("sizes and times are short", () => {
  assert.deepEqual([1, 255, 256, 2048, 25_600, 3_000_000].map(memoryText), [
    "4K",
    "1020K",
    "1.0M",
    "8.0M",
    "100M",
    "11.4G",
  ]);
  assert.deepEqual([0, 59.94, 60, 3599, 3600, 90_000].map(durationText), [
    "0.0s",
    "59.9s",
    "1m00",
    "59m59",
    "1h00",
    "1d",
  ]);
});
