// The kernel's self-contained parts, exported for tests. Compiled with the kernel's settings.
import { argumentAt, argumentCount, commandLineInit, commandLineOption, TextSpan } from "../../../kernel/command_line";
import { pagesAlloc, pagesFree, pagesFreeCount, pagesInit, orderFor } from "../../../kernel/memory/pages";
import { Slab, SLAB_SIZE, slabInit } from "../../../kernel/memory/slab";
import { TextBuffer, parseDecimal, parseSize, textBuffer } from "../../../kernel/text";
import {
  Timer,
  TIMER_SIZE,
  timerCancel,
  timerInit,
  timerSet,
  timersNextDeadline,
  timersRun,
} from "../../../kernel/time/timer";
import { startInfoInit } from "../../../kernel/xen/start_info";

export { pagesInit, pagesAlloc, pagesFree, pagesFreeCount, orderFor };
export { chacha20Block } from "../../../kernel/chacha20";
export { parseDecimal, parseSize, timersRun, timersNextDeadline };

declare function fired(argument: usize): void;

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
const buffer = changetype<TextBuffer>(memory.data(16, 8));
const span = changetype<TextSpan>(memory.data(8, 8));
const timers = memory.data(4096, 8);

export function slabPrepare(size: u32): void {
  slabInit(slab, size);
}

export function slabAlloc(): usize {
  return slab.alloc();
}

export function slabFree(object: usize): void {
  slab.free(object);
}

export function slabUsed(): u32 {
  return slab.used;
}

function timer(index: u32): Timer {
  return changetype<Timer>(timers + index * TIMER_SIZE);
}

function onTimer(argument: usize): void {
  fired(argument);
}

export function timerPrepare(index: u32): void {
  timerInit(timer(index), onTimer.index, index);
}

export function timerStart(index: u32, deadline: u64): void {
  timerSet(timer(index), deadline);
}

export function timerStop(index: u32): void {
  timerCancel(timer(index));
}

export function textDecimal(at: usize, capacity: u32, value: u64, digits: u32): u32 {
  return textBuffer(buffer, at, capacity).decimal(value, digits).length;
}

export function textHex(at: usize, capacity: u32, value: u64, digits: u32): u32 {
  return textBuffer(buffer, at, capacity).hex(value, digits).length;
}

export function textSigned(at: usize, value: i64): u32 {
  return textBuffer(buffer, at, 32).signed(value).length;
}

export function textOverflows(at: usize, capacity: u32, count: u32): bool {
  return textBuffer(buffer, at, capacity).bytes(0x180000, count).overflowed();
}

/** Reads the command line that the test wrote behind a start_info at `at`. */
export function commandLineRead(at: usize): void {
  startInfoInit(at);
  commandLineInit();
}

export { argumentCount };

export function argumentAddress(index: u32): usize {
  return argumentAt(index).address;
}

export function argumentLength(index: u32): u32 {
  return argumentAt(index).length;
}

/** The option's address, its length in the upper half; 0 when it is not given. */
export function optionIp(): u64 {
  return commandLineOption("ip", span) ? (<u64>span.address) | ((<u64>span.length) << 32) : 0;
}
