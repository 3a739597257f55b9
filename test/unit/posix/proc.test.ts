// /proc: the tree, its links, and texts that parsers for Linux's read; each has the shape of the host's own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { repositoryPath } from "../../../tools/image/paths.ts";
import type { Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { FileCalls, O_CREAT, O_WRONLY } from "./file_calls.ts";
import { runApp } from "./machine.ts";

const [ENOENT, ENOTDIR, EROFS] = [2, 20, 30];

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function run(app: (files: FileCalls) => Piece<void>): void {
  runApp(kernel, (process) => app(new FileCalls(process)), { "/etc/x": "x" }, 32, "env.HOSTNAME=box tmpfs=/var:64K");
}

function* text(files: FileCalls, path: string): Piece<string> {
  const contents = yield* files.contents(path);
  assert.ok(typeof contents !== "number", `${path}: ${String(contents)}`);
  return contents.toString();
}

/** A text with its words and numbers left out: what is the same whatever they are. */
function shape(line: string): string {
  return line.replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "U").replace(/-?\d+/g, "0");
}

/** Lines of "Name: value" by name. */
function fields(text: string): Map<string, string> {
  return new Map(
    text
      .trimEnd()
      .split("\n")
      .map((line) => [line.replace(/:.*/, ""), line.replace(/^[^:]*:/, "")]),
  );
}

test("the tree: one process, itself, and what is known of the system", () => {
  run(function* (files) {
    const root = [
      "1",
      "sys",
      "self",
      "net",
      "cpuinfo",
      "loadavg",
      "meminfo",
      "stat",
      "uptime",
      "version",
      "mounts",
      "filesystems",
      "cmdline",
    ];
    assert.deepEqual(yield* files.readdir("/proc"), root);
    const own = ["fd", "net", "cwd", "root", "status", "stat", "statm", "maps", "cmdline", "environ", "comm", "mounts"];
    assert.deepEqual(yield* files.readdir("/proc/self"), own);
    assert.deepEqual(yield* files.readdir("/proc/sys/kernel"), [
      "random",
      "hostname",
      "ostype",
      "osrelease",
      "version",
    ]);
    assert.deepEqual(yield* files.readdir("/proc/self/fd"), ["0", "1", "2", "3"]);
    for (const name of [...root, ...own.map((name) => `self/${name}`)]) {
      const status = yield* files.lstat(`/proc/${name}`);
      assert.ok(typeof status !== "number", name);
      const directory = yield* files.readdir(`/proc/${name}/`);
      assert.equal(typeof directory === "number", (status.mode & 0xf000) === 0x8000, name);
      if ((status.mode & 0xf000) === 0x8000)
        assert.ok(
          (yield* text(files, `/proc/${name}`)).endsWith(
            name.endsWith("environ") ? "\0" : name.endsWith("/cmdline") ? "\0" : "\n",
          ),
        );
    }
    assert.equal(yield* files.readlink("/proc/self"), "1");
    assert.equal(yield* files.stat("/proc/2"), -ENOENT);
    assert.equal(yield* files.stat("/proc/uptime/x"), -ENOTDIR);
    assert.equal(yield* files.open("/proc/new", O_CREAT | O_WRONLY), -EROFS);
    assert.equal(yield* files.open("/proc/uptime", O_WRONLY), -EROFS);
    assert.equal(yield* files.chdir("/proc/self/fd/../../sys"), 0);
    assert.equal(yield* files.getcwd(), "/proc/sys");
    assert.equal(yield* files.readlink("/proc/self/cwd"), "/proc/sys");
    assert.equal(yield* files.readlink("/proc/self/root"), "/");
  });
});

test("links to descriptors: to their files, whatever these are called now", () => {
  run(function* (files) {
    const fd = yield* files.open("/var/f", O_CREAT | O_WRONLY);
    yield* files.write(fd, "text");
    assert.equal(yield* files.readlink(`/proc/self/fd/${fd}`), "/var/f");
    yield* files.rename("/var/f", "/var/g");
    assert.equal(yield* files.readlink(`/proc/1/fd/${fd}`), "/var/g");
    assert.equal(yield* text(files, `/proc/self/fd/${fd}`), "text");
    yield* files.unlink("/var/g");
    assert.equal(yield* text(files, `/proc/self/fd/${fd}`), "text");
    const directory = yield* files.open("/etc");
    assert.equal(yield* text(files, `/proc/self/fd/${directory}/x`), "x");
    assert.equal(yield* files.readlink(`/proc/self/fd/${directory}`), "/etc");
    const own = yield* files.open("/proc/self/status");
    assert.equal(yield* files.readlink(`/proc/self/fd/${own}`), "/proc/1/status");
    assert.equal(yield* files.readlink("/proc/self/fd/0"), "/dev/console");
    yield* files.call("pipe", 0x4000, 0);
    assert.match(String(yield* files.readlink(`/proc/self/fd/${own + 1}`)), /^pipe:\[\d+\]$/);
    assert.equal(yield* files.readlink("/proc/self/fd/77"), -ENOENT);
  });
});

test("texts are those of the moment when they are read from the beginning, and whole in small pieces", () => {
  run(function* (files) {
    const fd = yield* files.open("/proc/uptime");
    const first = String(yield* files.read(fd, 100));
    yield* files.call("nanosleep", 5_000_000_000n);
    assert.equal(String(yield* files.read(fd, 100)), "");
    yield* files.lseek(fd, 0, 0);
    const second = String(yield* files.read(fd, 100));
    assert.ok(Number(second.split(" ")[0]) - Number(first.split(" ")[0]) >= 5, `${first}${second}`);
    const whole = yield* text(files, "/proc/self/status");
    const status = yield* files.open("/proc/self/status");
    let pieces = "";
    for (;;) {
      const piece = String(yield* files.read(status, 7));
      if (piece === "") break;
      pieces += piece;
    }
    assert.equal(pieces, whole);
  });
});

test("meminfo, status, stat, uptime, loadavg as free, ps and uptime read them; lines have the shape of the host's", () => {
  run(function* (files) {
    const meminfo = yield* text(files, "/proc/meminfo");
    const host = fields(readFileSync("/proc/meminfo", "utf8"));
    for (const [name, value] of fields(meminfo)) {
      assert.match(value, /^ +\d+ kB$/, name);
      assert.equal(`${name}:${value}`.length, `${name}:${host.get(name) ?? ""}`.length, name);
    }
    const kilobytes = (name: string): number => parseInt(fields(meminfo).get(name) ?? "", 10);
    assert.equal(kilobytes("MemTotal"), 32 * 1024);
    assert.ok(kilobytes("MemFree") > 1024 && kilobytes("MemFree") < kilobytes("MemTotal"));
    const status = fields(yield* text(files, "/proc/self/status"));
    const hostStatus = fields(readFileSync("/proc/self/status", "utf8"));
    for (const [name, value] of status) {
      const there = hostStatus.get(name);
      assert.ok(there !== undefined, name);
      if (name === "Name" || name === "State" || name === "Groups") continue;
      if (value.endsWith(" kB")) assert.match(value, /^\t[ \d]{7}\d kB$/, name);
      assert.equal(shape(value).replace(/\s+/g, " "), shape(there).replace(/\s+/g, " "), name);
    }
    assert.equal(status.get("Pid"), "\t1");
    assert.equal(status.get("Umask"), "\t0022");
    const stat = /^(\d+) \((.*)\) (\S) (.*)\n$/.exec(yield* text(files, "/proc/self/stat"));
    const hostStat = /^(\d+) \((.*)\) (\S) (.*)\n$/.exec(readFileSync("/proc/self/stat", "utf8"));
    assert.equal(stat?.[4]?.split(" ").length, hostStat?.[4]?.split(" ").length);
    for (const path of ["/proc/uptime", "/proc/loadavg", "/proc/self/statm", "/proc/sys/kernel/random/uuid"]) {
      assert.equal(shape(yield* text(files, path)), shape(readFileSync(path, "utf8")), path);
    }
    const cpu = readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "";
    assert.equal(shape((yield* text(files, "/proc/stat")).split("\n")[0] ?? ""), shape(cpu));
    assert.match(
      yield* text(files, "/proc/stat"),
      /^cpu0 .*\nintr \d.*\nctxt \d+\nbtime 17672\d+\nprocesses \d+\nprocs_running \d+\n/m,
    );
    assert.match(yield* text(files, "/proc/cpuinfo"), /^processor\t: 0\nmodel name\t: .+\n/);
    const maps = (yield* text(files, "/proc/self/maps")).trimEnd().split("\n");
    assert.ok(maps.length >= 2);
    for (const line of maps) {
      const parsed = /^([0-9a-f]{8,})-([0-9a-f]{8,}) ([r-][w-][x-]p) [0-9a-f]{8} \d\d:\d\d \d+ +(\[\w+\])$/.exec(line);
      assert.ok(parsed !== null && line.indexOf("[") === 73, line);
      assert.ok(Number.parseInt(parsed[1] ?? "", 16) < Number.parseInt(parsed[2] ?? "", 16));
    }
  });
});

test("names, mounts, arguments and environment", () => {
  run(function* (files) {
    assert.equal(yield* text(files, "/proc/sys/kernel/hostname"), "box\n");
    const { version } = JSON.parse(readFileSync(repositoryPath("package.json"), "utf8")) as { version: string };
    assert.ok((yield* text(files, "/proc/version")).startsWith(`Karyon version ${version} (`));
    assert.equal(yield* text(files, "/proc/self/cmdline"), "app\0one\0two\0");
    assert.equal(yield* text(files, "/proc/self/environ"), "HOSTNAME=box\0A=1\0");
    assert.match(
      yield* text(files, "/proc/cmdline"),
      /^ip=off env\.HOSTNAME=box tmpfs=\/var:64K env\.A=1 -- one two\n$/,
    );
    const mounts = (yield* text(files, "/proc/mounts"))
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" "));
    assert.deepEqual(
      mounts.map(([, place, type]) => [place, type]),
      [
        ["/", "romfs"],
        ["/dev", "devtmpfs"],
        ["/proc", "proc"],
        ["/var", "tmpfs"],
        ["/tmp", "tmpfs"],
      ],
    );
    assert.ok(mounts.every((words) => words.length === 6));
    const [one, two] = [
      yield* text(files, "/proc/sys/kernel/random/uuid"),
      yield* text(files, "/proc/sys/kernel/random/uuid"),
    ];
    assert.notEqual(one, two);
    const boot = yield* text(files, "/proc/sys/kernel/random/boot_id");
    assert.equal(yield* text(files, "/proc/sys/kernel/random/boot_id"), boot);
  });
});
