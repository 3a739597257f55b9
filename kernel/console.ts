// The PV console: a shared page with an input and an output ring (xen/include/public/io/console.h), served by
// xenconsoled. Invariant: indices run freely modulo 2^32; an index of the other side is read once and the number of
// bytes it claims is limited to the ring's size, so a lying backend loses text and nothing else.
import { machineFrameAddress } from "./memory/frames";
import { eventChannelHandle, eventChannelNotify } from "./event_channel";
import { WaitQueue, wakeAll } from "./thread/wait_queue";
import { monotonicNow, systemTimeAt } from "./time/clock";
import { schedPoll } from "./xen/hypercall";
import { startInfo } from "./xen/start_info";

const IN_SIZE: u32 = 1024;
const OUT_SIZE: u32 = 2048;
const OUT: usize = 1024;
const IN_CONS: usize = 3072;
const IN_PROD: usize = 3076;
const OUT_CONS: usize = 3080;
const OUT_PROD: usize = 3084;

/** How long an emergency message waits for a full ring, in ns. */
const EMERGENCY_PATIENCE: u64 = 2_000_000_000;

let ring: usize = 0;
let port: u32 = 0;
const portList = memory.data(4, 4);
const queue = memory.data(8, 4);

/** Woken when the console can take more output or has input. */
export function consoleWaitQueue(): WaitQueue {
  return changetype<WaitQueue>(queue);
}

function onEvent(_argument: usize): void {
  wakeAll(consoleWaitQueue());
}

/** Finds the ring; output works from here on. Needs nothing but start_info. Called again after a restore. */
export function consoleAttach(): void {
  ring = machineFrameAddress(startInfo().console_mfn);
  port = startInfo().console_evtchn;
  store<u32>(portList, port);
}

/** Starts to take the console's events. */
export function consoleStart(): void {
  eventChannelHandle(port, onEvent.index, 0);
}

function outputRoom(): u32 {
  const queued = load<u32>(ring + OUT_PROD) - atomic.load<u32>(ring + OUT_CONS);
  return queued > OUT_SIZE ? 0 : OUT_SIZE - queued;
}

/** Bytes that can be written now. */
export function consoleWritable(): u32 {
  return ring == 0 ? 0 : outputRoom();
}

/** Writes as much of `count` bytes as fits; the number written, which may be 0. Newlines become CR LF. */
export function consoleWrite(source: usize, count: u32): u32 {
  if (ring == 0) return 0;
  const produced = load<u32>(ring + OUT_PROD);
  let room = outputRoom();
  let index = produced;
  let done: u32 = 0;
  while (done < count) {
    const byte = load<u8>(source + done);
    if (room < (byte == 10 ? <u32>2 : 1)) break;
    if (byte == 10) {
      store<u8>(ring + OUT + (index++ & (OUT_SIZE - 1)), 13);
      room -= 1;
    }
    store<u8>(ring + OUT + (index++ & (OUT_SIZE - 1)), byte);
    room -= 1;
    done += 1;
  }
  if (index != produced) {
    atomic.store<u32>(ring + OUT_PROD, index);
    eventChannelNotify(port);
  }
  return done;
}

/** True when a byte of input waits. */
export function consoleReadable(): bool {
  return ring != 0 && atomic.load<u32>(ring + IN_PROD) != load<u32>(ring + IN_CONS);
}

/** Reads up to `count` bytes of input; the number read, which may be 0. */
export function consoleRead(target: usize, count: u32): u32 {
  if (ring == 0) return 0;
  const consumed = load<u32>(ring + IN_CONS);
  const available = min(atomic.load<u32>(ring + IN_PROD) - consumed, IN_SIZE);
  const taken = min(available, count);
  for (let i: u32 = 0; i < taken; i++) store<u8>(target + i, load<u8>(ring + ((consumed + i) & (IN_SIZE - 1))));
  if (taken != 0) {
    atomic.store<u32>(ring + IN_CONS, consumed + taken);
    eventChannelNotify(port);
  }
  return taken;
}

/** Writes everything, waiting in Xen while the ring is full, but not longer than two seconds for each ring's worth. Blocks all threads: for the kernel's own log and crash screen. */
export function consoleWriteAll(source: usize, count: u32): void {
  let done: u32 = 0;
  let deadline = monotonicNow() + EMERGENCY_PATIENCE;
  while (done < count && ring != 0) {
    const written = consoleWrite(source + done, count - done);
    done += written;
    if (written != 0) deadline = monotonicNow() + EMERGENCY_PATIENCE;
    else if (!waitForBackend(deadline)) return;
  }
}

/** Waits until the backend has taken everything, at most two seconds: Xen drops the ring with the domain. */
export function consoleDrain(): void {
  const deadline = monotonicNow() + EMERGENCY_PATIENCE;
  while (ring != 0 && atomic.load<u32>(ring + OUT_CONS) != load<u32>(ring + OUT_PROD)) {
    if (!waitForBackend(deadline)) return;
  }
}

function waitForBackend(deadline: u64): bool {
  const now = monotonicNow();
  if (now >= deadline) return false;
  // The event's pending bit may already be set, so the wait is short and repeated.
  schedPoll(portList, 1, systemTimeAt(min(deadline, now + 1_000_000)));
  return true;
}
