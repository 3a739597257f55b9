// What the C of app.wasm stands on: the stack check, and the way into the kernel and back.
#pragma once
#include "runtime.h"

extern u64 app_stackLimit;
// DUE_…: what is to be done at the end of a system call.
extern u32 app_due;
__attribute__((noreturn, cold)) void boot_stackOverflow(u32 kind);

// Recursion ends here, while there is still room below for system calls and event upcalls.
#define APP_PROLOGUE \
  if (UNLIKELY((u64)__builtin_frame_address(0) < app_stackLimit)) boot_stackOverflow(TRAP_STACK_OVERFLOW)

// The kernel runs with event delivery masked: vcpu_info.evtchn_upcall_mask (xen.h) of the only vCPU, which follows
// evtchn_upcall_pending at the start of shared_info. On the way out there is mostly nothing to do. Events are unmasked before
// the look at what is pending: for what comes after the look there is an upcall, for what came before it there is none.
// app_due may be read earlier: only the call sets it for us, and an upcall does its work itself.
extern volatile u8 boot_sharedInfo[];
void kernel_leaveKernel(void);
// The next handler that is to run: the signal in the upper half, the app's word for the handler in the lower. It is told of the handler that
// has ended, and of what app_handlerMask was when that began.
u64 kernel_signalTake(u32 ended, u32 mask);
extern u32 app_handlerMask;

INLINE void enterKernel(void) { boot_sharedInfo[1] = 1; }
INLINE void leaveKernel(void) {
  boot_sharedInfo[1] = 0;
  if (UNLIKELY(boot_sharedInfo[0] | app_due)) kernel_leaveKernel();
}

// At the end of each system call of an app that may become another program: when it does, its other threads end there.
extern u32 app_threadsEnd;
void kernel_execThreadEnds(void);
#define END_THREAD \
  do { \
    if (UNLIKELY(app_threadsEnd)) kernel_execThreadEnds(); \
  } while (0)
