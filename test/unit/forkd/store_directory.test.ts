// The children of nodes that have more of them than one answer of xenstored has room for: all are listed, once each, as they are at one time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readRecords } from "../../../tools/forkd/family/records.ts";
import { store, useXenstored, xenstored } from "./store_support.ts";

const XS_DIRECTORY = 1;
const XS_DIRECTORY_PART = 22;
const PAYLOAD_MAX = 4096;

useXenstored();

/** Gives /family these children. */
function fill(names: readonly string[]): void {
  for (const name of names) xenstored.nodes.set(`/family/${name}`, "");
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index + 1));
}

function asked(type: number): number {
  return xenstored.requests.filter((request) => request.type === type).length;
}

/** Calls `act` before the `number`th part is answered. */
function beforePart(number: number, act: () => void): void {
  xenstored.onRequest = ({ type }) => {
    if (type === XS_DIRECTORY_PART && asked(XS_DIRECTORY_PART) === number) act();
  };
}

test("thousands of children", async () => {
  fill(numbers(5000));
  assert.deepEqual(await store.directory("/family"), numbers(5000));
  // 23 893 bytes, in parts of somewhat less than 4096.
  assert.deepEqual([asked(XS_DIRECTORY), asked(XS_DIRECTORY_PART)], [1, 6]);
  assert.deepEqual(await store.directory("/none"), []);
});

test("what fits into one answer is asked for once, and what is longer by a byte in parts", async () => {
  const names = Array.from({ length: PAYLOAD_MAX / 8 }, (_, index) => `child${index}`.padEnd(7, "x").slice(-7));
  fill(names);
  assert.deepEqual(await store.directory("/family"), names);
  assert.deepEqual([asked(XS_DIRECTORY), asked(XS_DIRECTORY_PART)], [1, 0]);
  xenstored.remove(`/family/${names[0]}`);
  fill(["eight..."]);
  assert.deepEqual(await store.directory("/family"), [...names.slice(1), "eight..."]);
  assert.deepEqual([asked(XS_DIRECTORY), asked(XS_DIRECTORY_PART)], [2, 2]);
});

test("wherever the parts end, no name is lost, cut or told twice", async () => {
  // The list grows a name at a time, of 1 to 12 bytes, over where one part becomes two, and two become three.
  const names: string[] = [];
  for (let size = 0; size < 2 * PAYLOAD_MAX + 200; size += (names.at(-1)?.length ?? 0) + 1) {
    names.push(`${names.length}`.padEnd(1 + ((names.length * 7) % 12), "x"));
  }
  const sizes = names.map((_, index) => names.slice(0, index + 1).join("\0").length + 1);
  for (const [index, size] of sizes.entries()) {
    xenstored.nodes.set(`/family/${names[index]}`, "");
    if (size % PAYLOAD_MAX > 150 && size % PAYLOAD_MAX < PAYLOAD_MAX - 150) continue;
    assert.deepEqual(await store.directory("/family"), names.slice(0, index + 1), `${size} bytes`);
  }
});

test("a list under which a child comes or goes begins anew", async () => {
  fill(numbers(3000));
  beforePart(3, () => xenstored.change("/family/new", ""));
  assert.deepEqual(await store.directory("/family"), [...numbers(3000), "new"]);
  assert.equal(asked(XS_DIRECTORY_PART), 3 + 4);
  // What follows moves up: going on at the old byte would miss a name.
  beforePart(7 + 2, () => xenstored.remove("/family/7"));
  assert.deepEqual(await store.directory("/family"), [...numbers(3000).filter((name) => name !== "7"), "new"]);
  assert.equal(asked(XS_DIRECTORY_PART), 7 + 2 + 4);
});

test("what changes below a child does not disturb the list, nor does another node", async () => {
  fill(numbers(3000));
  beforePart(2, () => {
    xenstored.change("/family/5/state", "running");
    xenstored.change("/other/new", "");
  });
  assert.deepEqual(await store.directory("/family"), numbers(3000));
  assert.equal(asked(XS_DIRECTORY_PART), 4);
});

test("a node that goes meanwhile has no children, and one that never rests is given up", async () => {
  fill(numbers(2000));
  beforePart(2, () => xenstored.remove("/family"));
  assert.deepEqual(await store.directory("/family"), []);
  fill(numbers(2000));
  let count = 0;
  xenstored.onRequest = ({ type }) => type === XS_DIRECTORY_PART && xenstored.change(`/family/new${count++}`, "");
  await assert.rejects(store.directory("/family"), { code: "XENSTORE", message: /children of \/family change faster/ });
  assert.equal(count, 200); // two parts for each of a hundred attempts
});

test("a node with thousands of children is not empty", async () => {
  fill(numbers(2000));
  await store.removeEmpty("/family");
  assert.equal(xenstored.nodes.size, 2000);
});

test("a family of a thousand is read whole", async () => {
  for (const pid of numbers(1000)) xenstored.nodes.set(`/karyon/families/uuid/${pid}/domid`, String(Number(pid) + 100));
  xenstored.nodes.set("/karyon/families/uuid/last-pid", "1000");
  const records = await readRecords(store, "uuid");
  assert.deepEqual(
    records.map(({ pid, domain }) => [pid, domain]),
    numbers(1000).map((pid) => [Number(pid), Number(pid) + 100]),
  );
});
