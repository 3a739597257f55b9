// What is done about a signal, as the kernel takes and gives it (libos/process/signal_actions.ts).

@unmanaged
@final
export class SignalAction {
  handler: usize;
  flags: u32;
  mask: u32;
}

/** SignalAction.handler: the default, and that the signal is ignored. Others are what _signal_handler gets. */
export const DEFAULT: usize = 0;
export const IGNORED: usize = 1;
