// The resolver in virtual time, and servers that are silent, wrong, cut their answers or forge them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import { FORMERR, NS, SERVFAIL, a, record, response, wireName } from "../unit/dns/message.ts";
import type { Asked, Script } from "./dns_server.ts";
import { EAGAIN, ETIMEDOUT, runResolving } from "./resolving.ts";
import { ADDRESS, NAME, always, silent } from "./dns_scripts.ts";

const kernel = await fakeKernel();

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
