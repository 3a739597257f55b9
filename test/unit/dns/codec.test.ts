// Names and messages of the DNS: what is written, and what is believed of what others have written.
import assert from "node:assert/strict";
import { test } from "node:test";
import { u16, u32 } from "../net/frames.ts";
import {
  A,
  AAAA,
  NS,
  NXDOMAIN,
  REFUSED,
  SERVFAIL,
  FORMERR,
  a,
  cname,
  pointer,
  record,
  response,
  soa,
  wireName,
  type Query,
  type Sections,
} from "./message.ts";
import { EAGAIN, EMSGSIZE, ENODATA, ENOENT, EPROTO, NO_ANSWER, ResolverParts } from "./resolver_parts.ts";

const NAME = "www.example.org";

async function asked(name = NAME): Promise<{ parts: ResolverParts; query: Query; answer: Answer }> {
  const parts = await ResolverParts.create();
  const query = parts.ask(name);
  assert.ok(query);
  return { parts, query, answer: (sections) => parts.read(response(query, sections)) };
}

type Answer = (sections: Sections) => ReturnType<ResolverParts["read"]>;

test("a query asks one question, recursion desired, and says what fits", async () => {
  const parts = await ResolverParts.create();
  const query = parts.ask(NAME, { type: AAAA, id: 0xbeef });
  assert.ok(query);
  assert.deepEqual([query.id, query.flags, query.name, query.type, query.size], [0xbeef, 0x0100, NAME, AAAA, 1232]);
  assert.equal(parts.ask(NAME, { extended: false })?.size, 0);
});

test("names: text to wire form", async () => {
  const parts = await ResolverParts.create();
  const label = "x".repeat(63);
  const longest = [label, label, label, "x".repeat(61)].join(".");
  for (const name of ["a", "A.b", "xn--bcher-kva.example", "_dns.example", label, longest]) {
    assert.equal(parts.ask(name)?.name, name.toLowerCase());
    assert.equal(parts.ask(`${name}.`)?.name, name.toLowerCase());
  }
  const wrong = ["", ".", "..", ".a", "a..b", "a..", `${label}x`, `${longest}x`, "a b", "a\tb", "é.example", "a\0b"];
  for (const name of wrong) assert.equal(parts.ask(name), null, JSON.stringify(name));
});

test("names: a domain is appended as long as the whole fits", async () => {
  const parts = await ResolverParts.create();
  const label = "x".repeat(60);
  const long = [label, label, label].join(".");
  assert.equal(parts.append("host", "example.org"), "host.example.org".length + 2);
  assert.equal(parts.append(long, label), 3 * 61 + 61 + 1);
  assert.equal(parts.append(`${long}.${"x".repeat(9)}`, label), 255);
  assert.equal(parts.append(`${long}.${"x".repeat(10)}`, label), 0);
});

test("names: mixed case changes letters only, at random", async () => {
  const parts = await ResolverParts.create();
  const name = "aa-09.bcdefghijklmnopqrstuvwxyz.example.org";
  const seen = new Set(Array.from({ length: 50 }, () => parts.ask(name, { mixCase: true })?.name ?? ""));
  assert.ok(seen.size > 45, `${seen.size} of 50 are different`);
  for (const sent of seen) assert.equal(sent.toLowerCase(), name);
});

test("names: compression", async () => {
  const { parts } = await asked();
  const base = Buffer.concat([Buffer.alloc(12), wireName("Example.ORG")]);
  const at = base.length;
  const name = (...rest: Buffer[]): string | undefined => {
    return parts.name(Buffer.concat([base, ...rest]), at)?.toString("latin1");
  };
  const expected = (text: string): string => wireName(text).toString("latin1");
  assert.equal(name(pointer(12)), expected("example.org"));
  assert.equal(name(Buffer.from("\x03www", "latin1"), pointer(12)), expected("www.example.org"));
  assert.equal(name(Buffer.from("\x03www", "latin1"), pointer(20)), expected("www.org"));
  assert.equal(parts.name(Buffer.concat([base, pointer(12), pointer(at)]), at + 2)?.length, 13, "by two pointers");
});

test("names: what is malformed is refused, and nothing loops", async () => {
  const { parts } = await asked();
  const header = Buffer.alloc(12);
  const refused = (bytes: Buffer, at = 12): void =>
    assert.equal(parts.name(Buffer.concat([header, bytes]), at), null, bytes.toString("hex"));
  refused(Buffer.alloc(0));
  refused(Buffer.from([3, 0x61]));
  refused(Buffer.from([1, 0x61]));
  refused(pointer(12));
  refused(pointer(14));
  refused(Buffer.concat([pointer(14), pointer(12)]));
  refused(Buffer.concat([Buffer.from("\x01a", "latin1"), pointer(12)]));
  refused(Buffer.concat([Buffer.from("\x01a", "latin1"), pointer(14)]));
  refused(Buffer.from([0xc0]));
  refused(Buffer.from([0x40, 0]));
  refused(Buffer.from([0x80, 0]));
  const labels = Buffer.concat(Array.from({ length: 128 }, () => Buffer.from("\x01a", "latin1")));
  refused(Buffer.concat([labels, Buffer.from([0])]));
  // Pointers to pointers all the way down.
  const chain = Buffer.concat([
    Buffer.from([0]),
    ...Array.from({ length: 4000 }, (_, i) => pointer(i === 0 ? 12 : 11 + 2 * i)),
  ]);
  refused(chain, 12 + chain.length - 2);
});

test("answers: all addresses of the name, and the shortest time", async () => {
  const { answer } = await asked();
  const answers = [a(NAME, "192.0.2.1", 500), a("WWW.Example.Org", "192.0.2.2", 70), a(pointer(12), "192.0.2.3", 90)];
  assert.deepEqual(answer({ answers }), {
    outcome: 0,
    addresses: ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
    seconds: 70,
  });
});

test("answers: aliases are followed in whatever order they stand, up to eight", async () => {
  const { answer } = await asked();
  const chain = (length: number): Buffer[] => [
    a(`n${length}.example`, "192.0.2.9", 100),
    ...Array.from({ length }, (_, i) => cname(i === 0 ? NAME : `n${i}.example`, `n${i + 1}.example`, 50 + i)).reverse(),
  ];
  assert.deepEqual(answer({ answers: chain(1) }), { outcome: 0, addresses: ["192.0.2.9"], seconds: 50 });
  assert.equal(answer({ answers: chain(7) }).outcome, 0);
  assert.equal(answer({ answers: chain(8) }).outcome, -EAGAIN);
  assert.equal(answer({ answers: [cname(NAME, NAME)] }).outcome, -EAGAIN, "an alias of itself");
  assert.equal(answer({ answers: [cname(NAME, "b"), cname("b", NAME)] }).outcome, -EAGAIN, "two in a circle");
});

test("answers: nothing is believed that does not answer the question", async () => {
  const { answer } = await asked();
  const forged = "203.0.113.66";
  const right = a(NAME, "192.0.2.1");
  for (const sections of [
    { answers: [a("www.example.com", forged), right] },
    { answers: [right, a("org", forged), cname("example.org", "evil.example"), a("evil.example", forged)] },
    { answers: [record({ name: NAME, type: A, class: 3, data: Buffer.from([203, 0, 113, 66]) }), right] },
    { answers: [record({ name: NAME, type: A, data: Buffer.alloc(16, 66) }), right] },
    { answers: [record({ name: NAME, type: A, data: Buffer.alloc(3, 66) }), right] },
    { answers: [right], authority: [a(NAME, forged)], additional: [a(NAME, forged)] },
  ]) {
    assert.deepEqual(answer(sections).addresses, ["192.0.2.1"]);
  }
  assert.deepEqual(answer({ additional: [a(NAME, forged)] }).outcome, -ENODATA);
  assert.deepEqual(answer({ authority: [a(NAME, forged)] }).outcome, -ENODATA);
});

test("answers: another id, question, name in other letters, or no response at all is none", async () => {
  const { parts, query, answer } = await asked();
  const answers = [a(NAME, "203.0.113.66")];
  const question = (name: string, type = A, kind = 1): Buffer => Buffer.concat([wireName(name), u16(type), u16(kind)]);
  for (const sections of [
    { id: query.id ^ 1 },
    { question: question("www.example.com") },
    { question: question(NAME, AAAA) },
    { question: question(NAME, A, 3) },
    { question: question("wwW.example.org") },
  ]) {
    assert.equal(answer({ answers, ...sections }).outcome, NO_ANSWER);
  }
  const right = response(query, { answers });
  const changed = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(right);
    bytes[at] = value;
    return bytes;
  };
  assert.equal(parts.read(changed(2, 0x01)).outcome, NO_ANSWER, "a query");
  assert.equal(parts.read(changed(2, 0xa9)).outcome, NO_ANSWER, "another operation");
  assert.equal(parts.read(changed(5, 0)).outcome, NO_ANSWER, "no question");
  assert.equal(parts.read(changed(5, 2)).outcome, NO_ANSWER, "two questions");
  for (let length = 0; length < 12 + query.question.length; length++) {
    assert.equal(parts.read(right.subarray(0, length)).outcome, NO_ANSWER, `${length} bytes`);
  }
});

test("answers: a name is only as good as its letters when they were mixed", async () => {
  const parts = await ResolverParts.create();
  const query = parts.ask(NAME, { mixCase: true });
  assert.ok(query && query.name !== NAME);
  const answers = [a(NAME, "192.0.2.1")];
  assert.equal(parts.read(response(query, { answers })).outcome, 0);
  const question = Buffer.concat([wireName(NAME), u16(A), u16(1)]);
  assert.equal(parts.read(response(query, { answers, question })).outcome, NO_ANSWER);
});

test("answers: no such name, no such address, and for how long that holds", async () => {
  const { answer } = await asked();
  const outcome = (sections: Sections): [number, number] => {
    const { outcome: value, seconds } = answer(sections);
    return [value, seconds];
  };
  assert.deepEqual(outcome({ code: NXDOMAIN, authority: [soa("example.org", 60)] }), [-ENOENT, 60]);
  assert.deepEqual(outcome({ code: NXDOMAIN, authority: [soa("example.org", 600, 40)] }), [-ENOENT, 40]);
  assert.deepEqual(outcome({ code: NXDOMAIN }), [-ENOENT, 0]);
  assert.deepEqual(outcome({ authority: [soa("example.org", 60)] }), [-ENODATA, 60]);
  assert.deepEqual(outcome({}), [-ENODATA, 0]);
  const alias = [cname(NAME, "gone.example", 30)];
  assert.deepEqual(outcome({ answers: alias, authority: [soa("example", 60)] }), [-ENODATA, 30]);
  assert.deepEqual(outcome({ answers: alias, code: NXDOMAIN, authority: [soa("example", 60)] }), [-ENOENT, 30]);
  const broken = record({ name: "example.org", type: 6, data: Buffer.alloc(21) });
  assert.deepEqual(outcome({ code: NXDOMAIN, authority: [broken] }), [-ENOENT, 0]);
});

test("answers: what is to be asked elsewhere or otherwise", async () => {
  const { parts, query, answer } = await asked();
  assert.equal(answer({ code: SERVFAIL }).outcome, -EAGAIN);
  assert.equal(answer({ code: REFUSED }).outcome, -EAGAIN);
  const referral = [record({ name: "example.org", type: NS, data: wireName("ns.example.org") })];
  assert.equal(answer({ authority: referral }).outcome, -EAGAIN);
  assert.equal(answer({ truncated: true, answers: [a(NAME, "192.0.2.1")] }).outcome, -EMSGSIZE);
  assert.equal(answer({ code: FORMERR }).outcome, -EPROTO);
  assert.equal(
    parts.read(Buffer.concat([u16(query.id), u16(0x8181), Buffer.alloc(8)])).outcome,
    -EPROTO,
    "header only",
  );
});

test("answers: lives of more than 31 bits are none, and many addresses are cut", async () => {
  const { answer } = await asked();
  assert.equal(answer({ answers: [a(NAME, "192.0.2.1", 0x80000000)] }).seconds, 0);
  const many = Array.from({ length: 40 }, (_, i) => a(NAME, `192.0.2.${i}`));
  assert.equal(answer({ answers: many }).addresses.length, 12);
});

test("answers: 65535 records that are claimed, or there, end soon", async () => {
  const { parts, query } = await asked();
  const claim = response(query, { answers: [a(NAME, "192.0.2.1")] });
  claim.writeUInt16BE(0xffff, 6);
  assert.equal(parts.read(claim).outcome, 0);
  claim.writeUInt16BE(0xffff, 8);
  assert.equal(parts.read(claim).outcome, 0);
  // As many records as a message can hold, their names pointers to the longest name of pointers.
  const label = Buffer.from("\x01a", "latin1");
  const deep = Buffer.concat(
    Array.from({ length: 100 }, (_, i) => Buffer.concat([label, i === 0 ? pointer(12) : pointer(33 + 4 * (i - 1))])),
  );
  const first = response(query, { answers: [record({ name: "x", type: 99, data: deep })] });
  assert.ok(first.length > 400);
  const tiny = Buffer.concat([pointer(first.length - 4), u16(5), u16(1), u32(1), u16(0)]);
  const rest = Array.from({ length: Math.floor((65535 - first.length) / tiny.length) }, () => tiny);
  const message = Buffer.concat([first, ...rest]);
  message.writeUInt16BE(0xffff, 6);
  const before = process.hrtime.bigint();
  for (let i = 0; i < 20; i++) assert.equal(parts.read(message).outcome, -EAGAIN);
  assert.ok(process.hrtime.bigint() - before < 2_000_000_000n, "20 of them in 2 s");
});
