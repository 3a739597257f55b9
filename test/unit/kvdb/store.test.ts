// kvdb's store: what each command does, when keys end, how much memory there is, and who hears of what.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import { FRAME_ANSWERS, FRAME_LAST, FRAME_LISTENS, FRAME_PUSH, Kvdb } from "./kvdb.ts";

const OK = "+OK\r\n";
const NONE = "$-1\r\n";
const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const list = (...texts: readonly string[]): string => `*${texts.length}\r\n${texts.map(bulk).join("")}`;
const WRONG_NUMBER = "-ERR value is not an integer or out of range\r\n";
const SYNTAX = "-ERR syntax error\r\n";

/** Commands and their answers, in order. */
async function converses(lines: readonly (readonly [string, string])[]): Promise<Kvdb> {
  const kvdb = await Kvdb.load();
  for (const [line, answer] of lines) assert.equal(kvdb.says(line), answer, line);
  return kvdb;
}

test("values", async () => {
  await converses([
    ["GET a", NONE],
    ["SET a 1", OK],
    ["get a", bulk("1")],
    ["SET a 2 NX", NONE],
    ["SET b 2 XX", NONE],
    ["SET a 2 XX", OK],
    ["SET a 3 GET", bulk("2")],
    ["SET c 3 GET", NONE],
    ["SET c 4 NX GET", bulk("3")],
    ["SET c 4 NX XX", SYNTAX],
    ["SET c 4 EX", SYNTAX],
    ["SET c 4 EX 1 PX 1", SYNTAX],
    ["SET c 4 EX 1 KEEPTTL", SYNTAX],
    ["SET c 4 EX x", WRONG_NUMBER],
    ["SET c 4 EX 0", "-ERR invalid expire time in 'set' command\r\n"],
    ["SET c 4 EX 9999999999999", "-ERR invalid expire time in 'set' command\r\n"],
    ["SET c", "-ERR wrong number of arguments for 'set' command\r\n"],
    ["INCR n", ":1\r\n"],
    ["INCRBY n 41", ":42\r\n"],
    ["DECR n", ":41\r\n"],
    ["DECRBY n 50", ":-9\r\n"],
    ["GET n", bulk("-9")],
    ["INCRBY n x", WRONG_NUMBER],
    ["SET n 9223372036854775807", OK],
    ["INCR n", "-ERR increment or decrement would overflow\r\n"],
    ["SET n 9223372036854775808", OK],
    ["INCR n", WRONG_NUMBER],
    ["SET n 01", OK],
    ["INCR n", WRONG_NUMBER],
    ["DECRBY z -9223372036854775808", "-ERR decrement would overflow\r\n"],
    ["APPEND n 23", ":4\r\n"],
    ["GET n", bulk("0123")],
    ["STRLEN n", ":4\r\n"],
    ["STRLEN nothing", ":0\r\n"],
    ["MSET x 1 y 2 x 3", OK],
    ["MGET x nothing y", `*3\r\n${bulk("3")}${NONE}${bulk("2")}`],
    ["MSET x 1 y", "-ERR wrong number of arguments for 'mset' command\r\n"],
    ["EXISTS x y x nothing", ":3\r\n"],
    ["TYPE x", "+string\r\n"],
    ["TYPE nothing", "+none\r\n"],
    ["DEL x y nothing", ":2\r\n"],
    ["EXISTS x", ":0\r\n"],
    ["DBSIZE", ":3\r\n"],
    ["FLUSHALL", OK],
    ["DBSIZE", ":0\r\n"],
    ["FROB a", "-ERR unknown command 'FROB'\r\n"],
  ]);
});

test("keys and values are bytes", async () => {
  const kvdb = await Kvdb.load();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  assert.equal(kvdb.ask("SET", bytes, bytes), OK);
  assert.equal(kvdb.ask("GET", bytes), bulk(bytes.toString("latin1")));
  assert.equal(kvdb.ask("SET", "", "empty"), OK);
  assert.equal(kvdb.ask("GET", ""), bulk("empty"));
  assert.match(kvdb.ask("SET", "k".repeat(1025), "v"), /^-ERR key is longer than 1024 bytes/);
  assert.match(kvdb.ask("\r\n+OK\x07", "x"), /^-ERR unknown command '\?\?\+OK\?'\r\n$/, "no answer within an answer");
});

test("keys end: at their time, for everybody, and their memory comes back", async () => {
  const kvdb = await Kvdb.load();
  assert.equal(kvdb.says("SET a 1 EX 10"), OK);
  assert.equal(kvdb.says("SET b 1 PX 1500"), OK);
  assert.equal(kvdb.says("SET c 1"), OK);
  assert.deepEqual([kvdb.says("TTL a"), kvdb.says("PTTL b"), kvdb.says("TTL c"), kvdb.says("TTL d")], [":10\r\n", ":1500\r\n", ":-1\r\n", ":-2\r\n"]); // prettier-ignore
  kvdb.now += 1499;
  assert.equal(kvdb.says("GET b"), bulk("1"));
  kvdb.now += 1;
  assert.equal(kvdb.says("GET b"), NONE);
  assert.equal(kvdb.says("SET b 2 NX"), OK);
  assert.equal(kvdb.says("SET a 2 KEEPTTL"), OK);
  assert.equal(kvdb.says("PTTL a"), ":8500\r\n");
  assert.equal(kvdb.says("SET a 2"), OK);
  assert.equal(kvdb.says("TTL a"), ":-1\r\n", "SET makes it stay");
  assert.equal(kvdb.says("EXPIRE a 100"), ":1\r\n");
  assert.equal(kvdb.says("PERSIST a"), ":1\r\n");
  assert.equal(kvdb.says("PERSIST a"), ":0\r\n");
  assert.equal(kvdb.says("EXPIRE nothing 100"), ":0\r\n");
  assert.equal(kvdb.says("EXPIRE a 9999999999999"), "-ERR invalid expire time in 'expire' command\r\n");
  assert.equal(kvdb.says("EXPIRE a -1"), ":1\r\n");
  assert.equal(kvdb.says("EXISTS a"), ":0\r\n");
  assert.equal(kvdb.says("PEXPIRE c 5"), ":1\r\n");
  kvdb.now += 5;
  assert.equal(kvdb.says("KEYS *"), list("b"), "nobody sees it although its memory is still taken");
  assert.equal(kvdb.wasm.tableCount(), 2);
  kvdb.wasm.sweep(64);
  assert.equal(kvdb.wasm.tableCount(), 1);
  assert.equal(kvdb.says("FLUSHALL"), OK);
  assert.equal(kvdb.wasm.tableBytes(), 0);
});

test("memory is bounded, and what there is no room for changes nothing", async () => {
  const kvdb = await Kvdb.load("--max-memory 1");
  const value = "v".repeat(10_000);
  let stored = 0;
  while (kvdb.ask("SET", `key:${stored}`, value) === OK) stored++;
  assert.ok(stored > 95 && stored < 105, `${stored} values of 10 kB in a MiB`);
  assert.match(kvdb.ask("SET", "one more", value), /^-OOM /);
  assert.match(kvdb.ask("MSET", "x", "1", "y", "z".repeat(60_000)), /^-OOM /);
  assert.equal(kvdb.says("EXISTS x"), ":0\r\n");
  assert.equal(kvdb.ask("SET", "key:0", "short"), OK);
  assert.match(kvdb.ask("APPEND", "key:0", "z".repeat(50_000)), /^-OOM /);
  assert.equal(kvdb.says("GET key:0"), bulk("short"));
  assert.match(kvdb.ask("MGET", ...Array.from({ length: 60 }, (_, i) => `key:${i + 1}`)), /^-ERR the answer is longer/);
  for (let i = 0; i < stored; i++) kvdb.says(`DEL key:${i}`);
  assert.equal(kvdb.wasm.tableBytes(), 0);
});

test("the table agrees with a map under random commands", async () => {
  const kvdb = await Kvdb.load();
  const model = new Map<string, string>();
  const random = new Random(11);
  for (let i = 0; i < 20_000; i++) {
    const key = `k${random.between(0, 400)}`;
    const kind = random.between(0, 3);
    if (kind < 2) {
      model.set(key, String(i));
      assert.equal(kvdb.says(`SET ${key} ${i}`), OK);
    } else if (kind === 2) {
      assert.equal(kvdb.says(`DEL ${key}`), `:${model.delete(key) ? 1 : 0}\r\n`);
    } else {
      const value = model.get(key);
      assert.equal(kvdb.says(`GET ${key}`), value === undefined ? NONE : bulk(value));
    }
  }
  const keys = kvdb
    .says("KEYS *")
    .split("\r\n")
    .filter((_, i) => i % 2 === 0 && i > 0);
  assert.deepEqual(keys.sort(), [...model.keys()].sort());
});

test("SCAN gives every key that stays, also while the table grows", async () => {
  const kvdb = await Kvdb.load();
  for (let i = 0; i < 500; i++) kvdb.says(`SET stay:${i} 1`);
  const seen = new Set<string>();
  let cursor = "0";
  let rounds = 0;
  do {
    const [, , next = "", ...rest] = kvdb.says(`SCAN ${cursor} MATCH stay:* COUNT 16`).split("\r\n");
    cursor = next;
    for (const text of rest) if (text.startsWith("stay:")) seen.add(text);
    for (let i = 0; i < 40; i++) kvdb.says(`SET come:${rounds}:${i} 1`);
    rounds++;
  } while (cursor !== "0" && rounds < 1000);
  assert.equal(seen.size, 500);
  assert.ok(rounds > 5);
  assert.equal(kvdb.says("SCAN x"), "-ERR invalid cursor\r\n");
  assert.equal(kvdb.says("SCAN 0 COUNT 0"), SYNTAX);
  assert.equal(kvdb.says("SCAN 0 MATCH"), SYNTAX);
  assert.match(kvdb.says("SCAN 4294967295"), /^\*2\r\n/, "any cursor is one");
});

test("MONITOR hears of every command, those who do not listen of none; who does not take it is let go", async () => {
  const kvdb = await Kvdb.load();
  kvdb.wasm.begin(1, 2, 4);
  kvdb.send(1, "MONITOR");
  assert.deepEqual(kvdb.frames(1), [{ session: 2, flags: FRAME_LISTENS, text: OK }]);
  assert.equal(kvdb.ask("SET", "k", "a b\r\n"), OK);
  const [heard, ...others] = kvdb.frames(1);
  assert.deepEqual([heard?.flags, others.length], [FRAME_PUSH, 0]);
  assert.equal(heard?.text, '+1000.000000 [0 10.0.2.2:40001] "SET" "k" "a?b??"\r\n');
  for (let i = 0; i < 3000; i++) kvdb.says(`SET key:${i} ${"v".repeat(60)}`);
  const frames = kvdb.frames(1);
  assert.ok(frames.length > 100 && frames.length < 3000);
  assert.deepEqual(frames.at(-1)?.flags, FRAME_PUSH | FRAME_LAST);
  assert.equal(frames.filter(({ flags }) => (flags & FRAME_LAST) !== 0).length, 1);
});

test("SUBSCRIBE and PUBLISH", async () => {
  const kvdb = await Kvdb.load();
  kvdb.wasm.begin(1, 2, 4);
  kvdb.send(1, "SUBSCRIBE", "news", "sport");
  const told = (kind: string, channel: string, count: number): string =>
    `*3\r\n${bulk(kind)}${bulk(channel)}:${count}\r\n`;
  const answer = told("subscribe", "news", 1) + told("subscribe", "sport", 2);
  assert.deepEqual(kvdb.frames(1), [{ session: 2, flags: FRAME_LISTENS, text: answer }]);
  assert.equal(kvdb.says("PUBLISH news hello"), ":1\r\n");
  assert.equal(kvdb.says("PUBLISH other hello"), ":0\r\n");
  assert.deepEqual(kvdb.frames(1), [{ session: 2, flags: FRAME_PUSH, text: list("message", "news", "hello") }]);
  kvdb.send(1, "UNSUBSCRIBE", "news");
  assert.equal(kvdb.frames(1)[0]?.flags, 0);
  kvdb.send(1, "UNSUBSCRIBE");
  assert.deepEqual(kvdb.frames(1), [{ session: 2, flags: FRAME_ANSWERS, text: told("unsubscribe", "sport", 0) }]);
  assert.equal(kvdb.says("PUBLISH sport hello"), ":0\r\n");
});

test("clients: who is there, by what name, and what is left of those who have gone: nothing", async () => {
  const kvdb = await Kvdb.load();
  kvdb.wasm.begin(1, 2, 4);
  assert.equal(kvdb.says("CLIENT SETNAME worker"), OK);
  assert.equal(kvdb.says("CLIENT GETNAME"), bulk("worker"));
  assert.match(kvdb.ask("CLIENT", "SETNAME", "a b"), /^-ERR Client names/);
  assert.equal(kvdb.says("CLIENT ID"), ":1\r\n");
  kvdb.now += 3000;
  const lines = kvdb.says("CLIENT LIST");
  assert.match(
    lines,
    /id=1 addr=10\.0\.2\.2:40001 pid=3 name=worker age=3 idle=0 flags=N sub=0 tot-cmds=5 cmd=client\n/,
  );
  assert.match(lines, /id=2 addr=10\.0\.2\.2:40002 pid=4 name= age=3 idle=3 flags=N sub=0 tot-cmds=0 cmd=\n/);
  kvdb.wasm.end(1, 1); // of an earlier session in that place: says nothing
  assert.match(kvdb.says("INFO"), /connected_clients:2\r\n/);
  kvdb.wasm.end(1, 2);
  const info = kvdb.says("INFO");
  assert.match(info, /connected_clients:1\r\n[^]*total_connections_received:2\r\ntotal_commands_processed:7\r\n/);
  assert.match(kvdb.says("CLIENT KILL 1"), /^-ERR CLIENT takes LIST/);
});

test("a request that is not one command ends its session", async () => {
  const kvdb = await Kvdb.load();
  for (const request of ["", "PING", "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n", "*0\r\n"]) {
    kvdb.wasm.asks(0, kvdb.put(Buffer.from(request)));
    assert.deepEqual(kvdb.frames(), [
      { session: 1, flags: FRAME_LAST, text: "-ERR Protocol error: not one command\r\n" },
    ]);
  }
});
