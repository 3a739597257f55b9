// The top of kernel.wasm: the order in which kernel, devices, network and app come up, and everything that the ground
// floor (boot/) and the app reach by name. main_network.ts adds the network.
import { kernelBoot } from "../kernel/main";
import { threadExit } from "../kernel/thread/scheduler";
import { memoryFreePages } from "../kernel/memory/frames";
import { bufferMemoryInit } from "./net/tcp/memory";
import { appFailed, appLaunch } from "./process/app";
import { familyStart } from "../kernel/with_fork";
import { networkStart } from "./with_network";

export { forkRequest } from "../kernel/fork/fork";
export { mailboxTake } from "../kernel/fork/mailbox";
export { trap } from "../kernel/trap/trap";
export { threadMain } from "../kernel/thread/scheduler";
export * from "./posix/index";
export { pipeClose, pipeEvents, pipeQueue, pipeRead, pipeWrite } from "./posix/pipe";
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
  sharedEndQueue,
  sharedEndTransfer,
  sharedPipeOpen,
} from "./posix/shared_pipe";
export { familyAddress, familyEvent, familyStart } from "./process/family";
export { familyMessage, familyRoom } from "./process/messages";
export { signalTake, terminationCaught } from "./process/signals";
export { leaveKernel, upcall } from "../kernel/work";

/** Export: the domain begins here, on the boot stack (boot/entry.asm). Does not return. */
export function kernelMain(startInfoAddress: usize): void {
  kernelBoot(startInfoAddress);
  familyStart();
  bufferMemoryInit(memoryFreePages() >> 1); // pipes have buffers too
  networkStart(); // what it finds missing it has logged: an app may do without
  if (appLaunch() != 0) appFailed("not enough memory");
  threadExit();
}
