// /proc/net: its files read as those of Linux are, by the columns that their headers name.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { before, test } from "node:test";
import { Host } from "../../../tools/fake-xen/host.ts";
import type { Piece } from "../../fake/calls.ts";
import { BUFFER } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { FileCalls } from "./file_calls.ts";
import { Process } from "./machine.ts";

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

const ESTABLISHED = "01";
const LISTEN = "0A";
const NOT_CONNECTED = "07";

/** Runs an app in a domain with an interface. */
function run(app: (process: Process, files: FileCalls) => Piece<void>): void {
  const host = new Host(kernel, 3);
  let failure: unknown;
  const guest = host.create({
    commandLine: "ip=10.0.2.15/24,gateway=10.0.2.2 ip6=off",
    app: function* (domain) {
      const process = new Process(domain);
      try {
        yield* app(process, new FileCalls(process));
      } catch (error) {
        failure = error;
      }
      return 0;
    },
  });
  host.world.runUntil(() => guest.domain.shutdown !== undefined, 3600e9);
  if (failure !== undefined) throw failure;
}

function* lines(files: FileCalls, name: string): Piece<string[]> {
  const contents = yield* files.contents(`/proc/net/${name}`);
  assert.ok(typeof contents !== "number", `${name}: ${String(contents)}`);
  return contents.toString().trimEnd().split("\n");
}

/** The columns of the sockets of a file: ends, state, queues, inode. */
function* sockets(
  files: FileCalls,
  name: string,
): Piece<{ ends: string; state: string; queues: string; inode: string }[]> {
  const [, ...rows] = yield* lines(files, name);
  return rows.map((row) => {
    const [, local = "", remote = "", state = "", queues = "", , , , , inode = ""] = row.trim().split(/ +/);
    return { ends: `${local} ${remote}`, state, queues, inode };
  });
}

/** The heading that this Linux has; undefined where it has no such file, as without IPv6. */
function heading(name: string): string | undefined {
  const file = `/proc/net/${name}`;
  return existsSync(file) ? readFileSync(file, "utf8").split("\n")[0]?.trimEnd() : undefined;
}

test("the files are there, and begin as Linux's do", () => {
  run(function* (_process, files) {
    const names = ["dev", "route", "tcp", "tcp6", "udp", "udp6"];
    assert.deepEqual(yield* files.readdir("/proc/net"), names);
    assert.equal(yield* files.readlink("/proc/net"), "self/net");
    for (const name of names) {
      const [first = ""] = yield* lines(files, name);
      assert.equal(first.trimEnd(), heading(name) ?? first.trimEnd(), name);
    }
  });
});

test("dev: lo and eth0, with what they have counted", () => {
  run(function* (process, files) {
    const fd = yield* process.socket("udp");
    yield* process.bind(fd, 7);
    assert.equal(yield* process.call("posix_sendto", fd, BUFFER, 100, 0, yield* localhost(process, 7)), 100);
    const [, columns = "", lo = "", eth0 = ""] = yield* lines(files, "dev");
    assert.equal(columns, readFileSync("/proc/net/dev", "utf8").split("\n")[1]);
    const numbers = lo.split(":")[1]?.trim().split(/ +/) ?? [];
    assert.match(lo, /^ {4}lo: /);
    assert.match(eth0, /^ {2}eth0: /);
    assert.equal(numbers.length, 16);
    assert.deepEqual([numbers[0], numbers[1], numbers[8], numbers[9]], ["128", "1", "128", "1"]);
  });
});

test("route: by the gateway, and to the link", () => {
  run(function* (_process, files) {
    const [, ...routes] = yield* lines(files, "route");
    const fields = routes.map((line) => line.trim().split("\t"));
    assert.deepEqual(
      fields.map(([name, destination, gateway, flags, , , , mask]) => [name, destination, gateway, flags, mask]),
      [
        ["eth0", "00000000", "0202000A", "0003", "00000000"],
        ["eth0", "0002000A", "00000000", "0001", "00FFFFFF"],
      ],
    );
    const contents = yield* files.contents("/proc/net/route");
    assert.ok(typeof contents !== "number");
    for (const line of contents.toString().split("\n").slice(0, -1)) assert.equal(line.length, 127);
  });
});

test("tcp: listeners, connections with what they hold, and what is only remembered", () => {
  run(function* (process, files) {
    assert.deepEqual(yield* sockets(files, "tcp"), []);
    const listener = yield* process.socket("tcp");
    yield* process.bind(listener, 80);
    yield* process.call("posix_listen", listener, 5);
    const client = yield* process.socket("tcp");
    assert.equal(yield* process.connect(client, "127.0.0.1", 80), 0);
    const waiting = yield* sockets(files, "tcp");
    assert.deepEqual(
      waiting.filter(({ state }) => state === LISTEN).map(({ ends, queues }) => [ends, queues]),
      [["00000000:0050 00000000:0000", "00000005:00000001"]],
    );
    const server = yield* process.call("posix_accept", listener, 0);
    assert.equal(yield* process.call("posix_write", client, BUFFER, 1000), 1000);
    const rows = yield* sockets(files, "tcp");
    const mine = rows.find(({ ends, state }) => ends.startsWith("0100007F:0050 ") && state === ESTABLISHED);
    assert.equal(mine?.queues, "00000000:000003E8");
    assert.equal(yield* files.readlink(`/proc/self/fd/${server}`), `socket:[${mine.inode}]`);
    assert.equal(rows.filter(({ state }) => state === ESTABLISHED).length, 2);
    for (const fd of [client, server, listener]) yield* process.call("posix_close", fd);
    yield* process.sleep(1);
    const left = yield* sockets(files, "tcp");
    assert.ok(
      left.every(({ state, inode }) => state === "06" && inode === "0"),
      JSON.stringify(left),
    );
  });
});

test("tcp6 and udp: by their families", () => {
  run(function* (process, files) {
    const six = yield* process.call("posix_socket", 10, 1, 0);
    assert.equal(yield* process.call("posix_listen", six, 1), 0);
    const [listener] = yield* sockets(files, "tcp6");
    assert.match(listener?.ends ?? "", /^0{32}:[0-9A-F]{4} 0{32}:0000$/);
    assert.equal(listener?.state, LISTEN);
    assert.deepEqual(yield* sockets(files, "tcp"), []);
    const udp = yield* process.socket("udp");
    yield* process.bind(udp, 53);
    const rows = yield* sockets(files, "udp");
    assert.deepEqual(
      rows.map(({ ends, state }) => [ends, state]),
      [["00000000:0035 00000000:0000", NOT_CONNECTED]],
    );
    assert.equal(yield* files.readlink(`/proc/self/fd/${udp}`), `socket:[${rows[0]?.inode}]`);
    assert.deepEqual(yield* sockets(files, "udp6"), []);
  });
});

/** The address of 127.0.0.1 and a port in app memory. */
function* localhost(process: Process, port: number): Piece<number> {
  const at = 0x3000;
  process.put(at, Buffer.from([2, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]));
  yield* process.call("posix_getpid");
  return at;
}
