// The garbage collector with many threads: what a sleeping thread refers to must live, and be the same afterwards.
import { pthread_create, pthread_join, pthread_t, sched_yield, usleep } from "karyon";
import { check } from "./check";

class Node {
  constructor(
    public value: i32,
    public next: Node | null,
  ) {}
}

function collect(): void {
  // @ts-ignore: a function of AssemblyScript's runtime that its declarations leave out
  __collect();
}

function chain(length: i32, seed: i32): Node | null {
  let head: Node | null = null;
  for (let i = 0; i < length; i++) head = new Node(seed + i, head);
  return head;
}

function sum(node: Node | null): i32 {
  let total = 0;
  let at = node;
  while (at !== null) {
    total += at.value;
    at = at.next;
  }
  return total;
}

/** Holds objects in its frames only, at several depths, while other threads make garbage. */
function hold(depth: i32, seed: i32): bool {
  const mine = chain(20, seed);
  const text = `thread ${seed} at depth ${depth}`;
  if (depth % 3 == 0) usleep(500);
  else sched_yield();
  const below = depth == 0 || hold(depth - 1, seed + 1);
  sched_yield();
  return below && sum(mine) == 20 * seed + 190 && text == `thread ${seed} at depth ${depth}`;
}

function worker(seed: Node): i32 {
  let good = 0;
  for (let round = 0; round < 20; round++) if (hold(12, seed.value)) good++;
  return good;
}

export function collectorChecks(): void {
  const kept = chain(50, 7);
  const threads: pthread_t[] = [];
  for (let i = 0; i < 12; i++) threads.push(pthread_create<Node>(worker, new Node(i * 100, null)));
  for (let i = 0; i < 200; i++) {
    chain(500, i);
    if (i % 10 == 0) collect();
    sched_yield();
  }
  const status = new StaticArray<i32>(1);
  let good = 0;
  for (let i = 0; i < threads.length; i++) {
    pthread_join(threads[i], changetype<usize>(status));
    good += status[0];
  }
  check("12 threads keep what they refer to", good == 12 * 20);
  check("so does the main thread", sum(kept) == 50 * 7 + 1225);
  collect();
}
