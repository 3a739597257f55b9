// The process among its relatives: fork, and what forkd (docs/fork.md) tells. A process is a domain.
import { TextSpan, commandLineOption } from "../../kernel/command_line";
import { EAGAIN, ENOSYS } from "../../kernel/errno";
import {
  EVENT_DOORBELL,
  EVENT_GONE,
  EVENT_QUEUED,
  EVENT_SIGNAL,
  FamilyEvent,
  REQUEST_KILL,
  forkDescriptor,
} from "../../kernel/fork/descriptor";
import { fork } from "../../kernel/fork/fork";
import { mailboxForked } from "../../kernel/fork/mailbox";
import { forkOffer, forkTellAddress } from "../../kernel/fork/offer";
import { forkAskStill, forkRequestsForget } from "../../kernel/fork/request";
import { log } from "../../kernel/log";
import { sharedPipesEvent, sharedPipesStart } from "../../kernel/optional/with_fork_pipe";
import { parseDecimal } from "../../kernel/text";
import { diskForked } from "../optional/with_fork_disk";
import { networkForked, networkPorts, networkShares } from "../optional/with_fork_network";
import { MOST_CHILDREN, childAdd, childEvent, childrenForget, childrenInit, childrenOwn } from "./children";
import { SI_QUEUE, SI_USER } from "../posix/signal_constants";
import { intervalForked } from "../optional/with_setitimer";
import { processId } from "./identity";
import { isSignal } from "./signal_actions";
import { signalRaise, signalsForked } from "./signals";
import { appThreadsForked } from "./threads";
import { waitForked } from "./wait";

/** The ephemeral ports of a family's first process. Those below are divided into blocks for its children, by forkd. */
const FIRST_PORT: u32 = 49152;
const PORTS: u32 = 16384;

const option = changetype<TextSpan>(memory.data(8, 4));
let limit: u32 = 0;

/** Export, by kernel/optional/with_fork.ts: offers fork to forkd when the command line has `fork=<most children>`. Does not block. */
export function familyStart(): void {
  if (!commandLineOption("fork", option)) return;
  const wanted = parseDecimal(option.address, option.length);
  if (wanted < 1 || wanted > <i64>MOST_CHILDREN) {
    log("fork").text("fork=").bytes(option.address, option.length).text(" is not understood: 1 to 64 children").end();
    return;
  }
  sharedPipesStart();
  const result = childrenInit() ? forkOffer() : -EAGAIN;
  if (result == 0) start(<u32>wanted);
  else log("fork").text("cannot be offered: ").signed(result).end();
}

function start(wanted: u32): void {
  limit = wanted;
  networkPorts(FIRST_PORT, PORTS);
}

/** Export, by kernel/optional/with_fork.ts: takes in an event of forkd's. */
export function familyEvent(address: usize): void {
  const event = changetype<FamilyEvent>(address);
  if (event.kind == EVENT_GONE || event.kind == EVENT_DOORBELL) sharedPipesEvent(address);
  else if (event.kind == EVENT_SIGNAL) raise(event, SI_USER, 0);
  else if (event.kind == EVENT_QUEUED) raise(event, SI_QUEUE, event.data);
  else childEvent(event);
}

/** Takes in a signal of another process, which is not trusted with its number. */
function raise(event: FamilyEvent, code: i32, value: i32): void {
  if (isSignal(event.value)) signalRaise(event.value, code, event.pid, value);
}

/** Export, by kernel/optional/with_fork.ts. */
export function familyStop(signal: i32): void {
  forkAskStill(REQUEST_KILL, processId(), signal);
}

/** Export, by kernel/optional/with_fork.ts: the family's record in dom0 is to have the address, in host order; 0 = none. */
export function familyAddress(address: u32): void {
  forkTellAddress(address);
}

/** fork(): the child's pid, 0 in the child; -ENOSYS, -EAGAIN (also with as many children as allowed), -ENOMEM. */
export function familyFork(): i32 {
  if (limit == 0) return -ENOSYS;
  if (childrenOwn() >= limit) return -EAGAIN;
  networkShares(false);
  const pid = fork();
  if (pid > 0) onChild(pid);
  else if (pid == 0) onForked();
  return pid;
}

/** In the parent. */
function onChild(pid: i32): void {
  networkShares(true);
  childAdd(pid, false);
}

/** In the child: what was the parent's alone. */
function onForked(): void {
  childrenForget();
  waitForked();
  forkRequestsForget();
  mailboxForked();
  appThreadsForked();
  signalsForked();
  intervalForked();
  diskForked();
  networkForked();
  networkPorts(forkDescriptor().firstPort, forkDescriptor().portCount);
}
