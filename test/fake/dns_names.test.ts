// The resolver in virtual time: which names are asked for, by whom, and what a question leaves behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { filesBlob } from "../../tools/image/files.ts";
import { fakeKernel } from "../support/fake.ts";
import { SERVFAIL, a, response } from "../unit/dns/message.ts";
import type { Script } from "./dns_server.ts";
import { EAGAIN, EINTR, EINVAL, ENOENT, ETIMEDOUT, NETWORK, runResolving, startResolving } from "./resolving.ts";
import { ADDRESS, NAME, always, silent, zone } from "./dns_scripts.ts";
import { sigaction } from "./sigaction.ts";

const kernel = await fakeKernel();

test("the search list: short names with its domains, whole names as they are first", () => {
  const script = zone({
    "host.b.example": "192.0.2.2",
    "x.y": "192.0.2.3",
    "x.y.a.example": "192.0.2.4",
    "p.q.b.example": "192.0.2.5",
    single: "192.0.2.6",
  });
  runResolving(kernel, { scripts: [script], options: "search=a.example,b.example" }, function* (scene) {
    const { calls } = scene;
    const [server] = scene.servers;
    const taken = (): string[] => server?.names.splice(0) ?? [];
    const asked = function* (name: string) {
      server?.seen.splice(0);
      const result = yield* calls.resolve(name);
      return [result, ...taken()];
    };
    assert.deepEqual(yield* asked("host"), [["192.0.2.2"], "host.a.example", "host.b.example"]);
    assert.deepEqual(yield* asked("x.y"), [["192.0.2.3"], "x.y"]);
    assert.deepEqual(yield* asked("p.q"), [["192.0.2.5"], "p.q", "p.q.a.example", "p.q.b.example"]);
    assert.deepEqual(yield* asked("single"), [["192.0.2.6"], "single.a.example", "single.b.example", "single"]);
    assert.deepEqual(yield* asked("absent."), [-ENOENT, "absent"]);
    assert.deepEqual(yield* asked("none"), [-ENOENT, "none.a.example", "none.b.example", "none"]);
  });
});

test("a failure ends the search: another name's addresses would be wrong", () => {
  const script: Script = (query) => [response(query, { code: SERVFAIL })];
  runResolving(kernel, { scripts: [script], options: "search=a.example,b.example" }, function* ({ calls, servers }) {
    assert.equal(yield* calls.resolve("host"), -EAGAIN);
    assert.deepEqual(new Set(servers[0]?.names), new Set(["host.a.example"]));
  });
});

test("localhost, names of /etc/hosts and what is no name are nobody's business", () => {
  const text =
    "# hosts\n192.0.2.7 alpha Alpha.example # and more\n::1 alpha\n\t192.0.2.8\tbeta\r\n192.0.2.9 alpha\nx y";
  const files = filesBlob([{ path: "/etc/hosts", data: Buffer.from(text), modified: 0n }]);
  runResolving(kernel, { scripts: [always()], files }, function* ({ calls, servers: [server] }) {
    assert.deepEqual(yield* calls.resolve("localhost"), ["127.0.0.1"]);
    assert.deepEqual(yield* calls.resolve("db.LocalHost."), ["127.0.0.1"]);
    assert.deepEqual(yield* calls.resolve6("localhost"), [`${"0".repeat(31)}1`]);
    assert.deepEqual(yield* calls.resolve("ALPHA"), ["192.0.2.7", "192.0.2.9"]);
    assert.deepEqual(yield* calls.resolve("alpha.example"), ["192.0.2.7"]);
    assert.deepEqual(yield* calls.resolve6("alpha"), [`${"0".repeat(31)}1`]);
    assert.deepEqual(yield* calls.resolve("beta"), ["192.0.2.8"]);
    for (const name of ["", ".", "a..b", "x".repeat(64)]) assert.equal(yield* calls.resolve(name), -EINVAL);
    assert.equal(server?.seen.length, 0);
    assert.deepEqual(yield* calls.resolve("notlocalhost"), [ADDRESS]);
    assert.deepEqual(yield* calls.resolve("y"), [ADDRESS]);
    assert.equal(server?.seen.length, 2);
  });
});

test("without a server there is no answer, now", () => {
  runResolving(kernel, { scripts: [] }, function* ({ calls }) {
    assert.equal(yield* calls.resolve(NAME), -EAGAIN);
    assert.deepEqual(yield* calls.resolve("localhost"), ["127.0.0.1"]);
  });
});

test("threads with the same question wait for one answer", () => {
  const script: Script = (query) => [{ bytes: response(query, { answers: [a(query.name, ADDRESS, 0)] }), after: 0.5 }];
  runResolving(kernel, { scripts: [script] }, function* ({ calls, domain, servers: [server] }) {
    const answers: unknown[] = [];
    domain.threadEntries.set(1, function* (slot) {
      answers.push(yield* calls.resolve(NAME, { slot }));
      yield* calls.call("posix_thread_exit");
      return 0;
    });
    for (let i = 1; i <= 5; i++) yield* calls.call("posix_thread_create", 1, i, 32768, 0);
    yield* calls.sleep(1);
    assert.deepEqual(
      answers,
      Array.from({ length: 5 }, () => [ADDRESS]),
    );
    assert.equal(server?.seen.length, 1);
  });
});

test("threads that wait for a question that fails all get the failure", () => {
  runResolving(kernel, { scripts: [silent] }, function* ({ calls, domain, servers: [server] }) {
    const answers: unknown[] = [];
    domain.threadEntries.set(1, function* (slot) {
      answers.push(yield* calls.resolve(NAME, { slot }));
      yield* calls.call("posix_thread_exit");
      return 0;
    });
    for (let i = 1; i <= 3; i++) yield* calls.call("posix_thread_create", 1, i, 32768, 0);
    yield* calls.sleep(7);
    assert.deepEqual(answers, [-ETIMEDOUT, -ETIMEDOUT, -ETIMEDOUT]);
    assert.equal(server?.seen.length, 2);
  });
});

test("a signal ends the asking of its thread; another one that waits for the answer asks itself", () => {
  const SIGUSR1 = 10;
  const HANDLER = 0x8000;
  let queries = 0;
  const script: Script = (query) => (queries++ === 0 ? [] : [response(query, { answers: [a(query.name, ADDRESS)] })]);
  runResolving(kernel, { scripts: [script] }, function* ({ calls, domain }) {
    let other: unknown;
    domain.signalHandlers.set(HANDLER, function* () {
      return 0;
    });
    yield* sigaction(calls, SIGUSR1, { handler: HANDLER });
    domain.threadEntries.set(1, function* (slot) {
      yield* calls.sleep(0.2);
      other = yield* calls.resolve(NAME, { slot });
      yield* calls.call("posix_thread_exit");
      return 0;
    });
    domain.threadEntries.set(2, function* () {
      yield* calls.sleep(0.5);
      yield* calls.call("posix_kill", 1, SIGUSR1);
      yield* calls.call("posix_thread_exit");
      return 0;
    });
    for (const entry of [1, 2]) yield* calls.call("posix_thread_create", entry, entry, 32768, 0);
    assert.equal(yield* calls.resolve(NAME), -EINTR);
    yield* calls.sleep(0.5);
    assert.deepEqual(other, [ADDRESS]);
    assert.equal(queries, 2);
  });
});

test("what a question takes comes back, however it ends", () => {
  const INFORMATION = 0x3f00;
  const script: Script = (query) => {
    const kind = Number(query.name.slice(1, query.name.indexOf("."))) % 4;
    if (kind === 0) return [response(query, { code: SERVFAIL })];
    if (kind === 1) return [response(query, { truncated: true })];
    if (kind === 2) return [];
    return [response(query, { answers: [a(query.name, ADDRESS, 0)] })];
  };
  runResolving(kernel, { scripts: [script] }, function* ({ calls }) {
    const free = function* () {
      yield* calls.sleep(150); // TCP has forgotten its connections by then
      yield* calls.call("posix_sysinfo", INFORMATION);
      return Number(calls.get(INFORMATION, 24).readBigUInt64LE(16));
    };
    const round = function* () {
      for (let i = 0; i < 12; i++) yield* calls.resolve(`n${i}.example`);
    };
    yield* round();
    const before = yield* free();
    for (let i = 0; i < 3; i++) yield* round();
    assert.equal(yield* free(), before);
  });
});

test("a restored domain asks anew", () => {
  let asked = 0;
  let restored = false;
  const script: Script = (query) => {
    asked += 1;
    return [response(query, { answers: [a(query.name, ADDRESS, 3600)] })];
  };
  const { host, guest, finish } = startResolving(kernel, { scripts: [script] }, function* ({ calls }) {
    yield* calls.resolve(NAME);
    yield* calls.resolve(NAME);
    assert.equal(asked, 1);
    while (!restored) yield* calls.sleep(0.1);
    yield* calls.sleep(2);
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.equal(asked, 2);
  });
  host.world.runUntil(() => asked === 1);
  host.world.pass(1e9);
  guest.saveAndRestore(NETWORK);
  restored = true;
  finish();
});
