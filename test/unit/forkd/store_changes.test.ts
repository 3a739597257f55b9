// What forkd changes in xenstore: requests go together, changes do not get into each other's way, and only offers are watched.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Offers } from "../../../tools/forkd/family/offers.ts";
import { store, useXenstored, xenstored } from "./store_support.ts";

const XS_READ = 2;
const XS_TRANSACTION_START = 6;

useXenstored();

function transactions(): number {
  return xenstored.requests.filter(({ type }) => type === XS_TRANSACTION_START).length;
}

/** Until nothing is under way any more between client and server. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await turn();
}

test("what is asked in one turn goes to xenstored in one piece", async () => {
  xenstored.change("/a", "1");
  const answers = await Promise.all([store.read("/a"), store.read("/b"), store.write("/c", "3"), store.directory("/")]);
  assert.deepEqual(answers.slice(0, 2), ["1", undefined]);
  assert.equal(xenstored.pieces, 1);
  assert.equal(xenstored.nodes.get("/c"), "3");
});

test("changes that are asked for at once are made one after the other: none has to be made twice", async () => {
  await store.write("/gone/1", "");
  const nodes = (home: string) => ["x", "y"].map((node) => ({ path: `${home}/${node}`, value: home }));
  await Promise.all([
    store.writeAll(nodes("/one")),
    store.remove("/gone/1"),
    store.writeAll(nodes("/two")),
    store.removeEmpty("/none"),
  ]);
  assert.equal(transactions(), 3);
  assert.deepEqual([...xenstored.nodes.keys()].sort(), ["/one/x", "/one/y", "/two/x", "/two/y"]);
});

test("a transaction that somebody else's change has got into is made again", async () => {
  const written = store.writeAll([{ path: "/one/x", value: "1", permissions: ["n0", "r3"] }]);
  while (transactions() === 0) await turn();
  xenstored.change("/other", "2");
  await written;
  assert.equal(transactions(), 2);
  assert.deepEqual([...xenstored.nodes.keys()].sort(), ["/one/x", "/other"]);
});

test("a node is removed when it is empty, and not when somebody has just put something below it", async () => {
  xenstored.change("/backend/vif", "");
  const removed = store.removeEmpty("/backend/vif");
  while (transactions() === 0) await turn();
  xenstored.change("/backend/vif/7", "");
  await removed;
  assert.ok(xenstored.nodes.has("/backend/vif/7"));
  await store.remove("/backend/vif/7");
  await store.removeEmpty("/backend/vif");
  assert.equal(xenstored.nodes.size, 0);
});

test("offers are heard of domains that are there, that come, and not of those that have gone", async () => {
  const domains = new Set([0, 3]);
  const offered: number[] = [];
  const offers = new Offers(
    store,
    () => domains,
    (domain) => offered.push(domain),
  );
  await offers.listen();
  await settle();
  assert.deepEqual(offered, [3]);
  assert.equal(await offers.port(3), undefined);
  domains.add(5);
  xenstored.change("@introduceDomain", "");
  await settle();
  assert.deepEqual(offered, [3, 5]);
  assert.equal(await offers.port(5), undefined);
  xenstored.change("/local/domain/5/data/fork/event-channel", "9");
  xenstored.change("/local/domain/5/device/vif/0/state", "4");
  await settle();
  assert.deepEqual(offered, [3, 5, 5]);
  assert.equal(await offers.port(5), 9);
  domains.delete(3);
  await offers.dropGone();
  assert.deepEqual([...xenstored.watches].sort(), ["/local/domain/5/data/fork/event-channel", "@introduceDomain"]);
});

/** A domain that offers by its node of xenstore, and whose offers are counted. */
async function offering(): Promise<{ offers: Offers; offered: number[]; offer: (port: string) => void }> {
  const offered: number[] = [];
  const offers = new Offers(
    store,
    () => [5],
    (domain) => offered.push(domain),
  );
  await offers.listen();
  await settle();
  const offer = (port: string): void => xenstored.change("/local/domain/5/data/fork/event-channel", port);
  return { offers, offered, offer };
}

test("an offer that is told of before it is read is in the answer, and not told of again", async () => {
  const { offers, offered, offer } = await offering();
  offer("9");
  assert.equal(await offers.port(5), 9);
  await settle();
  assert.deepEqual(offered, [5]);
  offer("9"); // once more the same: whoever writes it wants it to be read
  await settle();
  assert.deepEqual(offered, [5, 5]);
  assert.equal(await offers.port(5), 9);
});

test("an offer that comes behind the answer is told of, although nobody has seen that answer yet", async () => {
  const { offers, offered, offer } = await offering();
  const absent = offers.port(5);
  while (!xenstored.requests.some(({ type }) => type === XS_READ)) await turn();
  // Client and server share this thread: the client finds the answer and, behind it, what it is told of, at once.
  offer("9");
  assert.equal(await absent, undefined);
  assert.deepEqual(offered, [5, 5]);
  assert.equal(await offers.port(5), 9);
});
