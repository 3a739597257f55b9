// The top of kernel.wasm: the order in which kernel, devices, network and app come up, and everything that the ground
// floor (boot/) and the app reach by name. main_network.ts adds the network.
import { kernelBoot } from "../kernel/main";
import { threadExit } from "../kernel/thread/scheduler";
import { memoryFreePages } from "../kernel/memory/frames";
import { bufferMemoryInit } from "./net/tcp/memory";
import { appFailed, appLaunch } from "./process/app";
import { familyStart } from "../kernel/optional/with_fork";
import { diskStart } from "./optional/with_disk";
import { networkStart } from "./optional/with_network";

export { forkRequest } from "../kernel/fork/fork";
export { mailboxTake } from "../kernel/fork/mailbox";
export { trap } from "../kernel/trap/trap";
export { threadMain } from "../kernel/thread/scheduler";
export * from "./posix/index";
export { anonymousClose, anonymousEvents, anonymousQueue, anonymousRead, anonymousWrite } from "./posix/anonymous";
export { epollClose, epollEvents, epollQueue, watchesEnd } from "./posix/epoll/epoll";
export { epollForked } from "./posix/epoll/forked";
export { watchWoken } from "./posix/epoll/ready";
export { eventClose, eventEvents, eventQueue, eventRead, eventWrite } from "./posix/eventfd";
export { pipeClose, pipeEvents, pipeHeld, pipeNote, pipeQueue, pipeRead, pipeWrite } from "./posix/pipe";
export { intervalExpired, intervalForked } from "./posix/interval_timer";
export { signalFileEvents, signalFileQueue, signalFileRead } from "./posix/signalfd";
export { unnamedOpen } from "./posix/unnamed";
export { timerClose, timerEvents, timerQueue, timerRead } from "./posix/timerfd";
export {
  sharedPipesCopied,
  sharedPipesEvent,
  sharedPipesForking,
  sharedPipesParent,
  sharedPipesRung,
  sharedPipesStart,
} from "./pipe/shared/forks";
export {
  pipesAreShared,
  sharedEndClose,
  sharedEndEvents,
  sharedEndHeld,
  sharedEndNote,
  sharedEndQueue,
  sharedEndTransfer,
  sharedPipeOpen,
} from "./posix/shared_pipe";
export { tmpfsModified, tmpfsRead, tmpfsResize, tmpfsWrite } from "./fs/tmpfs/file";
export { tmpfsStart } from "./fs/tmpfs/mount";
export {
  tmpfsLink,
  tmpfsList,
  tmpfsLookup,
  tmpfsMake,
  tmpfsMakeUnnamed,
  tmpfsRelease,
  tmpfsRemove,
  tmpfsRename,
  tmpfsStatus,
} from "./fs/tmpfs/tree";
export { familyAddress, familyEvent, familyStart, familyStop } from "./process/family";
export { childGroupTold, childIsOf, childIsOutside, childJoins } from "./process/groups";
export { familyMessage, familyRoom } from "./process/messages";
export { faultHandled } from "./process/faults";
export { threadPipeBroken, threadsSettle } from "./process/thread_signals";
export { brokenPipeRaised, signalTake, signalsThreadEnded, terminationCaught } from "./process/signals";
export { leaveKernel, upcall } from "../kernel/work";

/** Export: the domain begins here, on the boot stack (boot/entry.asm). Does not return. */
export function kernelMain(startInfoAddress: usize): void {
  kernelBoot(startInfoAddress);
  familyStart();
  bufferMemoryInit(memoryFreePages() >> 1); // pipes have buffers too
  diskStart();
  networkStart(); // what it finds missing it has logged: an app may do without
  if (appLaunch() != 0) appFailed("not enough memory");
  threadExit();
}
