// The resolver in virtual time: what answers say, and how long they are kept.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import { AAAA, NXDOMAIN, SERVFAIL, a, cname, record, response, soa } from "../unit/dns/message.ts";
import type { Asked, Script } from "./dns_server.ts";
import { EAGAIN, ENODATA, ENOENT, runResolving } from "./resolving.ts";
import { ADDRESS, NAME, always } from "./dns_scripts.ts";

const kernel = await fakeKernel();

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
