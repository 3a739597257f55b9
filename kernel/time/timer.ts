// One-shot timers in a pairing heap (Fredman, Sedgewick, Sleator, Tarjan, 1986): set in O(1), cancel and expiry in
// O(log n) amortised, no allocation, links inside the timers.
// Invariants: the root has the earliest deadline; `previous` of a node is its left sibling, or its parent for a
// first child, and 0 for the root and for an idle timer.
import { workDue } from "../boot";
import { NEVER } from "./clock";

/** A timer; its owner prepares it with timerInit and otherwise only reads it. */
@unmanaged
@final
export class Timer {
  /** ns, monotonic; meaningful while pending. */
  deadline: u64;
  /** Links of the heap. */
  child: usize;
  sibling: usize;
  previous: usize;
  /** True while the timer is set and has not expired. */
  pending: bool;
  callback: u32;
  argument: usize;
}

/** Bytes of a Timer, for static instances. */
export const TIMER_SIZE: i32 = 32;

const RUN_LIMIT: u32 = 256;

let root: usize = 0;

function node(address: usize): Timer {
  return changetype<Timer>(address);
}

/** Joins two heaps; either may be 0. */
function meld(left: usize, right: usize): usize {
  if (left == 0) return right;
  if (right == 0) return left;
  let parent = left;
  let child = right;
  if (node(right).deadline < node(left).deadline) {
    parent = right;
    child = left;
  }
  const first = node(parent).child;
  node(child).sibling = first;
  if (first != 0) node(first).previous = child;
  node(child).previous = parent;
  node(parent).child = child;
  return parent;
}

/** Joins a list of siblings into one heap: pairs from left to right, then the pairs from right to left. */
function meldSiblings(first: usize): usize {
  let pairs: usize = 0;
  while (first != 0) {
    const second = node(first).sibling;
    const rest: usize = second == 0 ? 0 : node(second).sibling;
    node(first).sibling = 0;
    if (second != 0) node(second).sibling = 0;
    const pair = meld(first, second);
    node(pair).sibling = pairs; // the pairs form a stack
    pairs = pair;
    first = rest;
  }
  let heap: usize = 0;
  while (pairs != 0) {
    const next = node(pairs).sibling;
    node(pairs).sibling = 0;
    heap = meld(heap, pairs);
    pairs = next;
  }
  if (heap != 0) node(heap).previous = 0;
  return heap;
}

function remove(address: usize): void {
  const gone = node(address);
  const below = meldSiblings(gone.child);
  if (address == root) {
    root = below;
  } else {
    const left = node(gone.previous);
    if (left.child == address) left.child = gone.sibling;
    else left.sibling = gone.sibling;
    if (gone.sibling != 0) node(gone.sibling).previous = gone.previous;
    root = meld(root, below);
    node(root).previous = 0;
  }
  gone.child = 0;
  gone.sibling = 0;
  gone.previous = 0;
  gone.pending = false;
}

/** Prepares an idle timer. `callback` is the table index of a function (argument: usize): void that must not block. */
export function timerInit(timer: Timer, callback: u32, argument: usize): void {
  memory.fill(changetype<usize>(timer), 0, TIMER_SIZE);
  timer.callback = callback;
  timer.argument = argument;
}

/** Sets or moves the timer to `deadline` (monotonic ns); NEVER cancels it. */
export function timerSet(timer: Timer, deadline: u64): void {
  timerCancel(timer);
  if (deadline == NEVER) return;
  timer.deadline = deadline;
  const address = changetype<usize>(timer);
  node(address).pending = true;
  root = meld(root, address);
  node(root).previous = 0;
  if (root == address) workDue(true); // the timer interrupt must not come later than this (kernel/work.ts)
}

/** Cancels the timer; does nothing when it is not pending. */
export function timerCancel(timer: Timer): void {
  if (timer.pending) remove(changetype<usize>(timer));
}

/** The earliest deadline, or NEVER. */
export function timersNextDeadline(): u64 {
  return root == 0 ? NEVER : node(root).deadline;
}

/**
 * Runs what has expired at `now`, the earliest first. A callback may set any timer again; at most RUN_LIMIT callbacks
 * run in one call, so that timers set for the past cannot keep the kernel here.
 */
export function timersRun(now: u64): void {
  for (let left = RUN_LIMIT; left != 0 && root != 0 && node(root).deadline <= now; left--) {
    const timer = node(root);
    remove(root);
    call_indirect<void>(timer.callback, timer.argument);
  }
}
