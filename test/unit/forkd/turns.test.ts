// Forkd's queue: one piece of work at a time, and who is waited for goes before those that have ended.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Turns } from "../../../tools/forkd/turns.ts";

test("pieces of work do not overlap, and urgent ones go first", async () => {
  const turns = new Turns(() => undefined);
  const done: string[] = [];
  let running = 0;
  const work = (name: string) => async (): Promise<void> => {
    assert.equal(++running, 1, `${name} overlaps`);
    await sleep(2);
    running--;
    done.push(name);
  };
  turns.later(work("end 1"));
  turns.later(work("end 2"));
  turns.later(async () => {
    await work("end 3")();
    turns.later(work("end 5"));
    turns.soon(work("birth 2"));
  });
  turns.later(work("end 4"));
  await sleep(1); // the first piece is under way
  turns.soon(work("birth 1"));
  await turns.rest();
  assert.deepEqual(done, ["end 1", "birth 1", "end 2", "end 3", "birth 2", "end 4", "end 5"]);
  turns.soon(work("birth 3"));
  await turns.rest();
  assert.equal(done.at(-1), "birth 3");
});

test("work that fails is logged, and the next is done", async () => {
  const logged: string[] = [];
  const turns = new Turns((text) => void logged.push(text));
  let done = false;
  turns.later(() => Promise.reject(new Error("no memory")));
  turns.later(async () => void (done = true));
  await turns.rest();
  assert.match(logged.join(), /no memory/);
  assert.ok(done);
});
