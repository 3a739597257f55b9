// The app as a process: its memory, its main thread and its end. The app's module is linked into the image; it runs
// on a thread of its own, whose stack size the command line chooses (stack=64K).
import { appDataCopy, appInitialPages, appStackPointerGet, appStart } from "../../kernel/boot";
import { TextSpan, commandLineOption } from "../../kernel/command_line";
import { ENOMEM } from "../../kernel/errno";
import { exitStatusLeave } from "../../kernel/fork/descriptor";
import { log } from "../../kernel/log";
import { appSpaceGrow } from "../../kernel/memory/app_space";
import { orderFor } from "../../kernel/memory/pages";
import { powerOff } from "../../kernel/power/power_off";
import { Thread, threadCreate } from "../../kernel/thread/scheduler";
import { parseSize } from "../../kernel/text";
import { SHUTDOWN_crash, SHUTDOWN_poweroff } from "../../kernel/xen/hypercall";
import { diskFinish } from "../optional/with_disk";
import { networkFinish } from "../optional/with_network";
import { descriptorsClose, descriptorsInit } from "./descriptors";

const WASM_PAGE: u32 = 65536;
const DEFAULT_STACK: u32 = 65536;
const LEAST_STACK: u32 = 32768;

const value = changetype<TextSpan>(memory.data(8, 4));

/** Maps the app's memory, opens its console and starts its main thread; 0 or -ENOMEM. */
export function appLaunch(): i32 {
  if (appSpaceGrow(appInitialPages() * WASM_PAGE) != 0) return -ENOMEM;
  if (!descriptorsInit()) return -ENOMEM;
  return appBegin() == 0 ? -ENOMEM : 0;
}

/** Fills the app's memory, which is mapped and empty, and starts its main thread: that, or 0 without memory. */
export function appBegin(): usize {
  appDataCopy();
  // Stacks are blocks of 2^n pages, one of them the guard: the rest is all the app's.
  const pages = (1 << orderFor(mainStackSize())) - 1;
  const thread = threadCreate(runMain.index, 0, pages, true);
  if (thread != 0) changetype<Thread>(thread).appStackPointer = appStackPointerGet();
  return thread;
}

function mainStackSize(): u32 {
  if (!commandLineOption("stack", value)) return DEFAULT_STACK;
  const size = parseSize(value.address, value.length);
  return size < <i64>LEAST_STACK || size > 1 << 30 ? DEFAULT_STACK : <u32>size;
}

function runMain(_argument: usize): void {
  appExit(appStart());
}

/** Ends the domain because the app has ended with `status`, of which eight bits count; does not return. */
export function appExit(status: i32): void {
  log("app")
    .text("exit status ")
    .signed(status & 0xff)
    .end();
  end((status & 0xff) << 8);
}

/** Ends the process because of `signal`; does not return. */
export function appEndBySignal(signal: i32): void {
  log("app").text("signal ").signed(signal).end();
  end(signal);
}

/** Ends the domain with the process: its descriptors are closed, and what it has sent arrives. */
function end(waitStatus: i32): void {
  exitStatusLeave(waitStatus);
  descriptorsClose();
  diskFinish();
  networkFinish();
  powerOff(SHUTDOWN_poweroff);
}

/** Ends the domain because the app could not be started; does not return. */
export function appFailed(reason: string): void {
  log("app").text("cannot start: ").text(reason).end();
  powerOff(SHUTDOWN_crash);
}
