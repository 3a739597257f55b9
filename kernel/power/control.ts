// What the toolstack asks of the domain: it writes "poweroff", "reboot", "halt" or "suspend" into control/shutdown
// (xen/docs/misc/xenstore-paths.pandoc), the guest acknowledges by emptying the node and does it. A kernel thread
// waits for that, so it works while the app computes or waits. To the app it is SIGTERM: one that catches it goes on.
import { exitStatusLeave } from "../fork/descriptor";
import { log } from "../log";
import { panic } from "../panic";
import { TextBuffer, bytesEqualText, textBuffer } from "../text";
import { threadCreate } from "../thread/scheduler";
import { WaitQueue, waitOn, wakeAll } from "../thread/wait_queue";
import { NEVER } from "../time/clock";
import { WATCH_SIZE, Watch, watchStart } from "../xenbus/watch";
import { diskFinish } from "../optional/with_disk";
import { terminationCaught } from "../optional/with_signal";
import { xenstoreRead, xenstoreWrite } from "../xenbus/xenstore";
import { SHUTDOWN_poweroff, SHUTDOWN_reboot } from "../xen/hypercall";
import { powerOff } from "./power_off";
import { suspend } from "./suspend";

const STACK_PAGES: u32 = 3;
const REQUEST_SIZE: u32 = 32;
/** What a parent is told of a child that the toolstack ended (asm/signal.h). */
const SIGTERM: i32 = 15;

const watch = changetype<Watch>(memory.data(WATCH_SIZE, 8));
const queue = changetype<WaitQueue>(memory.data(8, 4));
const path = changetype<TextBuffer>(memory.data(16, 4));
const value = changetype<TextBuffer>(memory.data(16, 4));
const pathBytes = memory.data(32, 8);
const request = memory.data(32, 8);
let asked = false;

/** Starts the thread that serves control/shutdown. Needs xenstore. */
export function powerControlStart(): void {
  if (threadCreate(run.index, 0, STACK_PAGES) == 0) panic("no memory for the power thread");
}

function onWatch(_argument: usize): void {
  asked = true;
  wakeAll(queue);
}

function node(name: string): TextBuffer {
  return textBuffer(path, pathBytes, 32).text("control/").text(name);
}

function announce(feature: string): void {
  xenstoreWrite(node(feature), textBuffer(value, request, REQUEST_SIZE).text("1"));
}

function run(_argument: usize): void {
  announce("feature-poweroff");
  announce("feature-reboot");
  announce("feature-suspend");
  watchStart(watch, node("shutdown"), onWatch.index, 0);
  for (;;) {
    while (!asked) waitOn(queue, NEVER);
    asked = false;
    const length = xenstoreRead(node("shutdown"), request, REQUEST_SIZE);
    if (length > 0) serve(<u32>min<i32>(length, REQUEST_SIZE));
  }
}

function serve(length: u32): void {
  const isPowerOff = bytesEqualText(request, length, "poweroff") || bytesEqualText(request, length, "halt");
  const isReboot = bytesEqualText(request, length, "reboot");
  const isSuspend = bytesEqualText(request, length, "suspend");
  log("power").text("the toolstack asks for ").bytes(request, length).end();
  xenstoreWrite(node("shutdown"), textBuffer(value, request, REQUEST_SIZE));
  if (isPowerOff && terminationCaught()) return;
  if (isPowerOff || isReboot) {
    exitStatusLeave(SIGTERM);
    diskFinish();
  }
  if (isPowerOff) powerOff(SHUTDOWN_poweroff);
  if (isReboot) powerOff(SHUTDOWN_reboot);
  if (isSuspend) suspend();
}
