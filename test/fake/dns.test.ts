// The resolver in virtual time: apps that call posix_resolve, and servers that do as the test says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { filesBlob } from "../../tools/image/files.ts";
import { fakeKernel } from "../support/fake.ts";
import {
  AAAA,
  FORMERR,
  NS,
  NXDOMAIN,
  SERVFAIL,
  a,
  cname,
  record,
  response,
  soa,
  wireName,
} from "../unit/dns/message.ts";
import type { Asked, Script } from "./dns_server.ts";
import {
  EAGAIN,
  EINTR,
  EINVAL,
  ENODATA,
  ENOENT,
  ETIMEDOUT,
  NETWORK,
  runResolving,
  startResolving,
} from "./resolving.ts";

const kernel = await fakeKernel();

const NAME = "www.example.org";
const ADDRESS = "192.0.2.1";

/** Says that every name has `address` for `seconds`. */
function always(address = ADDRESS, seconds = 300): Script {
  return (query) => [response(query, { answers: [a(query.name, address, seconds)] })];
}

/** Knows some names; NXDOMAIN, to be kept for a minute, for the others. */
function zone(names: Readonly<Record<string, string>>): Script {
  return (query) => {
    const address = names[query.name.toLowerCase()];
    return [
      address === undefined
        ? response(query, { code: NXDOMAIN, authority: [soa("example.org", 60)] })
        : response(query, { answers: [a(query.name, address)] }),
    ];
  };
}

const silent: Script = () => [];

test("a name is asked for once while its answer holds, and again after", () => {
  runResolving(kernel, { scripts: [always(ADDRESS, 30)] }, function* ({ calls, servers: [server] }) {
    for (const spelling of [NAME, "WWW.Example.ORG", `${NAME}.`]) {
      assert.deepEqual(yield* calls.resolve(spelling), [ADDRESS]);
    }
    assert.equal(server?.seen.length, 1);
    yield* calls.sleep(29);
    yield* calls.resolve(NAME);
    assert.equal(server?.seen.length, 1);
    yield* calls.sleep(2);
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.equal(server?.seen.length, 2);
  });
});

test("an answer without a life is used and not kept", () => {
  runResolving(kernel, { scripts: [always(ADDRESS, 0)] }, function* ({ calls, servers: [server] }) {
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.equal(server?.seen.length, 2);
  });
});

test("each query has a number, a port and letters of its own", () => {
  runResolving(kernel, { scripts: [always(ADDRESS, 0)] }, function* ({ calls, servers: [server] }) {
    for (let i = 0; i < 40; i++) yield* calls.resolve(NAME);
    const different = (value: (query: Asked) => unknown): number => new Set(server?.seen.map(value)).size;
    assert.ok(different((query) => query.id) >= 39);
    assert.ok(different((query) => query.port) >= 39);
    assert.ok(different((query) => query.name) >= 36);
  });
});

test("IPv6 addresses; those of both families when there is an IPv6 router to reach them by", () => {
  const long = "20010db8000000000000000000000001";
  const script: Script = (query) => {
    const data = Buffer.from(long, "hex");
    const answer = query.type === AAAA ? record({ name: query.name, type: AAAA, data }) : a(query.name, ADDRESS);
    return [response(query, { answers: [answer] })];
  };
  for (const [options, both] of [
    ["", [ADDRESS]],
    ["ip6=fd00::2/64,gateway=fe80::1", [long, ADDRESS]],
  ] as const) {
    runResolving(kernel, { scripts: [script], options }, function* ({ calls }) {
      assert.deepEqual(yield* calls.resolve(NAME, { family: 0 }), both);
      assert.deepEqual(yield* calls.resolve6(NAME), [long]);
    });
  }
});

test("aliases are followed, and the whole holds as long as its shortest part", () => {
  const script: Script = (query) => [
    response(query, { answers: [cname(query.name, "cdn.example", 10), a("cdn.example", ADDRESS, 1000)] }),
  ];
  runResolving(kernel, { scripts: [script] }, function* ({ calls, servers: [server] }) {
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    yield* calls.sleep(11);
    yield* calls.resolve(NAME);
    assert.equal(server?.seen.length, 2);
  });
});

test("that there is no name, or no address, is kept as long as the zone says", () => {
  const script: Script = (query) => [
    response(query, { code: query.name.toLowerCase() === NAME ? 0 : NXDOMAIN, authority: [soa("example.org", 20)] }),
  ];
  runResolving(kernel, { scripts: [script] }, function* ({ calls, servers: [server] }) {
    for (let i = 0; i < 3; i++) {
      assert.equal(yield* calls.resolve(NAME), -ENODATA);
      assert.equal(yield* calls.resolve("gone.example.org"), -ENOENT);
    }
    assert.equal(server?.seen.length, 2);
    yield* calls.sleep(21);
    assert.equal(yield* calls.resolve(NAME), -ENODATA);
    assert.equal(server?.seen.length, 3);
  });
});

test("a negative answer without SOA, and a failure, are not kept", () => {
  let code = NXDOMAIN;
  const script: Script = (query) => [response(query, { code })];
  runResolving(kernel, { scripts: [script] }, function* ({ calls, servers: [server] }) {
    assert.equal(yield* calls.resolve(NAME), -ENOENT);
    assert.equal(yield* calls.resolve(NAME), -ENOENT);
    assert.equal(server?.seen.length, 2);
    code = SERVFAIL;
    assert.equal(yield* calls.resolve(NAME), -EAGAIN);
    assert.equal(server?.seen.length, 4, "both rounds");
    code = NXDOMAIN;
    assert.equal(yield* calls.resolve(NAME), -ENOENT);
  });
});

test("a server that does not reply is waited for, longer the second time", () => {
  runResolving(kernel, { scripts: [silent] }, function* ({ calls, host, servers: [server] }) {
    const start = host.world.now / 1e9;
    assert.equal(yield* calls.resolve(NAME), -ETIMEDOUT);
    const took = host.world.now / 1e9 - start;
    assert.ok(took > 5.9 && took < 6.2, `${took} s`);
    assert.equal(server?.seen.length, 2);
    assert.equal(server?.seen[1]?.name, NAME, "the second time letters are not mixed");
  });
});

test("servers take turns: the next is asked when one is silent, and stays the first to be asked", () => {
  runResolving(kernel, { scripts: [silent, always()] }, function* ({ calls, servers: [first, second] }) {
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.deepEqual([first?.seen.length, second?.seen.length], [1, 1]);
    assert.deepEqual(yield* calls.resolve("other.example.org"), [ADDRESS]);
    assert.deepEqual([first?.seen.length, second?.seen.length], [1, 2]);
    if (second) second.script = silent;
    if (first) first.script = always();
    assert.deepEqual(yield* calls.resolve("third.example.org"), [ADDRESS]);
    assert.deepEqual([first?.seen.length, second?.seen.length], [2, 3]);
  });
});

const referral = (query: Asked): Buffer[] => {
  return [response(query, { authority: [record({ name: "org", type: NS, data: wireName("ns.example") })] })];
};

for (const [what, script] of [
  ["failure", (query: Asked) => [response(query, { code: SERVFAIL })]],
  ["referral", referral],
] as const) {
  test(`a ${what} leads to the next server at once`, () => {
    runResolving(kernel, { scripts: [script, always()] }, function* ({ calls, host }) {
      const start = host.world.now;
      assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
      assert.ok(host.world.now - start < 1e9);
    });
  });
}

test("a server that is none leads to the next one at once: its port unreachable message does", () => {
  // 10.0.0.2 is the app's own domain, where nobody listens on port 53.
  const options = "nameserver=10.0.0.2,10.0.0.11";
  runResolving(kernel, { scripts: [always()], options }, function* ({ calls, host }) {
    const start = host.world.now;
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.ok(host.world.now - start < 1e9);
  });
});

test("a truncated answer is asked for over TCP, of which 64 KiB fit", () => {
  const filler = Array.from({ length: 200 }, (_, i) =>
    record({ name: `n${i}.example`, type: 16, data: Buffer.alloc(300, i) }),
  );
  const script: Script = (query) => [
    query.transport === "udp"
      ? response(query, { truncated: true })
      : response(query, { answers: [...filler, a(query.name, ADDRESS)] }),
  ];
  runResolving(kernel, { scripts: [script] }, function* ({ calls, servers: [server] }) {
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.deepEqual(
      server?.seen.map((query) => query.transport),
      ["udp", "tcp"],
    );
  });
});

test("a TCP connection that ends early or says nonsense is a failure, not an answer", () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(40)]) {
    const script: Script = (query) => [query.transport === "udp" ? response(query, { truncated: true }) : bytes];
    runResolving(kernel, { scripts: [script] }, function* ({ calls, servers: [server] }) {
      assert.equal(yield* calls.resolve(NAME), -EAGAIN);
      assert.deepEqual(
        server?.seen.map((query) => query.transport),
        ["udp", "tcp", "udp", "tcp"],
      );
    });
  }
});

test("a server that does not know EDNS is asked without", () => {
  const script: Script = (query) => [
    query.size !== 0 ? response(query, { code: FORMERR }) : response(query, { answers: [a(query.name, ADDRESS)] }),
  ];
  runResolving(kernel, { scripts: [script] }, function* ({ calls, servers: [server] }) {
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.deepEqual(
      server?.seen.map((query) => query.size),
      [1232, 0],
    );
  });
});

test("a server that does not keep the letters is understood at the second attempt", () => {
  const script: Script = (query) => {
    const question = Buffer.from(query.question.toString("latin1").toLowerCase(), "latin1");
    return [response(query, { question, answers: [a(NAME, ADDRESS)] })];
  };
  runResolving(kernel, { scripts: [script] }, function* ({ calls, servers: [server] }) {
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.equal(server?.seen.length, 2);
  });
});

const FORGED = "203.0.113.66";

test("forged answers before the right one are not believed: number, question, port", () => {
  const script: Script = (query) => {
    const answers = [a(query.name, FORGED)];
    return [
      response(query, { answers, id: query.id ^ 1 }),
      response(query, { answers, question: Buffer.from(query.question).fill(0x78, 1, 4) }),
      { bytes: response(query, { answers }), fromElsewhere: true },
      Buffer.alloc(0),
      Buffer.alloc(5),
      response(query, { answers: [a(query.name, ADDRESS)] }),
    ];
  };
  runResolving(kernel, { scripts: [script] }, function* ({ calls, servers: [server] }) {
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.equal(server?.seen.length, 1);
  });
});

test("many forged answers make the resolver ask over TCP", () => {
  const script: Script = (query) => {
    const right = response(query, { answers: [a(query.name, ADDRESS)] });
    if (query.transport === "tcp") return [right];
    const guess = (i: number): Buffer =>
      response(query, { id: (query.id + 1 + i) & 0xffff, answers: [a(query.name, FORGED)] });
    return [...Array.from({ length: 40 }, (_, i) => guess(i)), response(query, { answers: [a(query.name, FORGED)] })];
  };
  runResolving(kernel, { scripts: [script] }, function* ({ calls, servers: [server] }) {
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.equal(server?.seen.at(-1)?.transport, "tcp");
  });
});

test("an answer that comes when its question has timed out is not taken for the next", () => {
  let late = true;
  const script: Script = (query) => {
    const after = late ? 3 : 0;
    late = false;
    return [{ bytes: response(query, { answers: [a(query.name, after > 0 ? FORGED : ADDRESS)] }), after }];
  };
  runResolving(kernel, { scripts: [script] }, function* ({ calls, servers: [server] }) {
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.equal(server?.seen.length, 2);
  });
});

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

test("the cache is bounded, and what was used last stays", () => {
  runResolving(kernel, { scripts: [always(ADDRESS, 3600)] }, function* ({ calls, servers: [server] }) {
    yield* calls.resolve("first.example");
    for (let i = 0; i < 300; i++) {
      yield* calls.resolve(`n${i}.example`);
      yield* calls.resolve("first.example");
    }
    assert.equal(server?.seen.length, 301);
    yield* calls.resolve("n0.example");
    assert.equal(server?.seen.length, 302);
    for (let i = 200; i < 300; i++) yield* calls.resolve(`n${i}.example`);
    assert.equal(server?.seen.length, 302);
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
    yield* calls.call("posix_signal", SIGUSR1, HANDLER, HANDLER - 8);
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
