// System calls that take signals instead of having handlers run (sigtimedwait), and that wait under a mask of their own (pselect, ppoll, epoll_pwait).
import { EAGAIN, EFAULT, ETIMEDOUT } from "../../kernel/errno";
import { waitInterruptibly } from "../../kernel/thread/wait_queue";
import { maskable } from "../process/signal_actions";
import { signalsReplace, signalsResume } from "../process/signal_masks";
import { signalInformation, signalsAwait, signalsAwaited, signalsQueue, signalsTake } from "../process/signals";
import { userBuffer } from "../process/user_memory";
import { deadlineIn } from "./deadline";
import { posix_epoll_wait } from "./epoll/wait";
import { SIGNAL_INFORMATION_SIZE, SignalInformation } from "./layout";
import { posix_poll, posix_select } from "./poll";

const SET_SIZE: u32 = 4;

/** Waits for one of `set`, so long at most (< 0: for ever), and takes it: its number, -EAGAIN, or -EINTR for another's handler. */
export function posix_sigtimedwait(set: u32, information: u32, nanoseconds: i64): i32 {
  const given = userBuffer(set, SET_SIZE);
  const told = information == 0 ? 0 : userBuffer(information, SIGNAL_INFORMATION_SIZE);
  if (given == 0 || (information != 0 && told == 0)) return -EFAULT;
  const wanted = maskable(load<u32>(given));
  signalsAwait(wanted);
  const signal = take(wanted, nanoseconds);
  signalsAwaited();
  if (signal > 0 && told != 0) {
    memory.fill(told, 0, SIGNAL_INFORMATION_SIZE);
    signalInformation(signal, changetype<SignalInformation>(told));
  }
  return signal;
}

function take(wanted: u32, nanoseconds: i64): i32 {
  let signal = signalsTake(wanted);
  const deadline = deadlineIn(nanoseconds);
  while (signal == 0) {
    const waited = nanoseconds == 0 ? -ETIMEDOUT : waitInterruptibly(signalsQueue(), deadline);
    signal = signalsTake(wanted);
    if (signal == 0 && waited != 0) return waited == -ETIMEDOUT ? -EAGAIN : waited;
  }
  return signal;
}

/** Has `set`, if it is not 0, be held up instead of what is: 0 or -EFAULT. */
function begin(set: u32): i32 {
  if (set == 0) return 0;
  const given = userBuffer(set, SET_SIZE);
  if (given == 0) return -EFAULT;
  signalsReplace(load<u32>(given));
  return 0;
}

function end(set: u32, result: i32): i32 {
  if (set != 0) signalsResume(result);
  return result;
}

export function posix_ppoll(descriptors: u32, count: u32, nanoseconds: i64, set: u32): i32 {
  const error = begin(set);
  return error != 0 ? error : end(set, posix_poll(descriptors, count, nanoseconds));
}

export function posix_pselect(count: i32, read: u32, write: u32, except: u32, nanoseconds: i64, set: u32): i32 {
  const error = begin(set);
  return error != 0 ? error : end(set, posix_select(count, read, write, except, nanoseconds));
}

export function posix_epoll_pwait(fd: i32, events: u32, maximum: i32, nanoseconds: i64, set: u32): i32 {
  const error = begin(set);
  return error != 0 ? error : end(set, posix_epoll_wait(fd, events, maximum, nanoseconds));
}
