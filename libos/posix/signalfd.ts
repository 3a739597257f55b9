// signalfd (signalfd(2)): pending signals as something to read, by who holds them up. Nothing is kept here: what is read is the process's own, also
// in the child of a fork. A description's object is its set, with bit 0, which is no signal, so that it is not 0.
import { EAGAIN, EBADF, EFAULT, EINVAL } from "../../kernel/errno";
import { WaitQueue, waitInterruptibly } from "../../kernel/thread/wait_queue";
import { NEVER } from "../../kernel/time/clock";
import { READABLE } from "../net/poll_events";
import { descriptorFile, descriptorOpen } from "../process/descriptors";
import { KIND_SIGNAL, NO_FILE, OpenFile } from "../process/open_file";
import { maskable } from "../process/signal_actions";
import { signalInformation, signalsOf, signalsQueue, signalsTake } from "../process/signals";
import { userBuffer } from "../process/user_memory";
import { O_RDWR } from "./constants";
import { SIGNAL_INFORMATION_SIZE, SIGNAL_RECORD_SIZE, SignalInformation, SignalRecord } from "./layout";
import { SFD_CLOEXEC, SFD_NONBLOCK, SI_QUEUE } from "./signal_constants";

const MARK: u32 = 1;
const SET_SIZE: u32 = 4;
const information = changetype<SignalInformation>(memory.data(SIGNAL_INFORMATION_SIZE, 8));

/** Makes a description for `set` (fd -1), or has the one behind `fd` be for `set` from now on. */
export function posix_signalfd(fd: i32, set: u32, flags: i32): i32 {
  if ((flags & ~(SFD_NONBLOCK | SFD_CLOEXEC)) != 0) return -EINVAL;
  const given = userBuffer(set, SET_SIZE);
  if (given == 0) return -EFAULT;
  const object = maskable(load<u32>(given)) | MARK;
  if (fd == -1) return descriptorOpen(KIND_SIGNAL, object, O_RDWR | (flags & SFD_NONBLOCK), (flags & SFD_CLOEXEC) != 0);
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.kind != KIND_SIGNAL) return -EINVAL;
  file.object = object;
  return fd;
}

function setOf(file: OpenFile): u32 {
  return (<u32>file.object) & ~MARK;
}

/** Export, by libos/optional/with_signalfd.ts. */
export function signalFileRead(file: OpenFile, target: usize, count: u32): i32 {
  if (count < SIGNAL_RECORD_SIZE) return -EINVAL;
  while (signalsOf(setOf(file)) == 0) {
    const waited = file.nonBlocking ? -EAGAIN : waitInterruptibly(signalsQueue(), NEVER);
    if (waited != 0) return waited;
  }
  let done: u32 = 0;
  while (done + SIGNAL_RECORD_SIZE <= count && signalsOf(setOf(file)) != 0) {
    tell(signalsTake(setOf(file)), changetype<SignalRecord>(target + done));
    done += SIGNAL_RECORD_SIZE;
  }
  return done;
}

function tell(signal: i32, record: SignalRecord): void {
  signalInformation(signal, information);
  memory.fill(changetype<usize>(record), 0, SIGNAL_RECORD_SIZE);
  record.signal = signal;
  record.code = information.code;
  record.pid = <i32>information.origin;
  if (information.code == SI_QUEUE) {
    record.number = information.status;
    record.pointer = (<u64>information.status) & 0xffff_ffff;
  } else record.status = information.status;
}

/** Export, by libos/optional/with_signalfd.ts. */
export function signalFileEvents(file: OpenFile): u32 {
  return signalsOf(setOf(file)) != 0 ? READABLE : 0;
}

/** Export, by libos/optional/with_signalfd.ts. */
export function signalFileQueue(): WaitQueue {
  return signalsQueue();
}
