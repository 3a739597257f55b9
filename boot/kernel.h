// What the C of kernel.wasm stands on: the functions of module "boot" (kernel/boot.ts) that are not NASM, and the
// kernel's side of the seam to the app. An imported function "x" is called kernel_import_boot_x; for one that is not
// here the build takes the NASM function boot_x.
#pragma once
#include "runtime.h"
#include "memory.h"

// The kernel runs on stacks whose lowest page is a guard.
#define KERNEL_PROLOGUE

// The kernel is compiled for size, functions marked so for speed (tools/image/traffic.ts).
#define KERNEL_HOT __attribute__((optimize("O2", "no-omit-frame-pointer")))

// For size, whatever the aim.
#define KERNEL_COLD __attribute__((cold))

// Where speed is the aim: not to be put into its callers (tools/image/traffic.ts).
#ifdef __OPTIMIZE_SIZE__
#define KERNEL_APART
#else
#define KERNEL_APART __attribute__((noinline))
#endif

// The kernel has pages, not a wasm memory that grows.
#define kernel_memory_size() 0u
#define kernel_memory_grow(pages) ((void)(pages), 0xffffffffu)

// ---- places in the image (boot/image.ld, boot/*.asm, the symbol table and the files that the build adds) ------------

#define PLACE(name)                     \
  extern const u8 boot_##name[];        \
  INLINE u32 kernel_import_boot_##name(void) { return (u32)(u64)boot_##name; }

// The same as u64, for what Xen gets to see.
#define ENTRY(name)                     \
  extern const u8 boot_##name[];        \
  INLINE u64 kernel_import_boot_##name(void) { return (u64)boot_##name; }

PLACE(imageBase)
PLACE(textStart)
PLACE(textEnd)
PLACE(rodataEnd)
PLACE(sharedInfo)
PLACE(bootStack)
PLACE(trapStack)
PLACE(trapEntries)
PLACE(symbols)
PLACE(filesStart)
ENTRY(threadStart)
ENTRY(eventCallback)
ENTRY(failsafeCallback)
ENTRY(forkChild)
ENTRY(faultEntry)

// ---- the processor and Xen ------------------------------------------------------------------------------------------

// Neither the compiler nor the processor moves a memory access across it.
INLINE void kernel_import_boot_barrier(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

// vcpu_info.evtchn_upcall_pending and evtchn_upcall_mask (xen.h) of the only vCPU. Xen looks at them on this processor
// before it goes back to the guest, so the order that the program is written in is enough.
#define VCPU_INFO ((volatile u8*)boot_sharedInfo)
INLINE void kernel_import_boot_eventsMask(void) { VCPU_INFO[1] = 1; }
INLINE u32 kernel_import_boot_eventsUnmask(void) {
  VCPU_INFO[1] = 0;
  return VCPU_INFO[0];
}

INLINE u64 kernel_import_boot_rdtsc(void) { return __builtin_ia32_rdtsc(); }

// 0 when the processor has no random numbers, or none left after ten attempts (Intel's advice).
INLINE u64 kernel_import_boot_rdrand(void) {
  u32 a = 1, b, c = 0, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  if (!(c & (1u << 30))) return 0;
  for (int attempt = 0; attempt < 10; attempt++) {
    u64 value;
    u8 ok;
    __asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(value), "=qm"(ok) : : "cc");
    if (ok) return value;
  }
  return 0;
}

// The machine-to-physical table is mapped by Xen beyond the 32 bits that kernel addresses have (xen.h).
#define MACHINE_TO_PHYS 0xffff800000000000ul
INLINE u64 kernel_import_boot_machineToPhys(u64 mfn) { return *(const u64*)(MACHINE_TO_PHYS + mfn * 8); }

// ---- the app --------------------------------------------------------------------------------------------------------

extern const u32 app_initialPages;
extern const u32 app_maximumPages;
// No object: its address is the number, which so stands in the instructions that use it.
extern const u8 app_lowest[];
void app_dataCopy(void);
u32 app_start(void);
void app_threadStart(u32 entry, u32 argument);
u32 app_stackPointerGet(void);
void app_stackPointerSet(u32 value);


// The programs of the image, the app among them (boot/programs.h, tools/image/glue.ts): only execve asks.
extern const u32 app_programs;
extern u32 app_threadsEnd;
extern const u8 app_name[];
u32 app_programPages(u32 number);
void app_programSelect(u32 number);

// App functions compare their frame with it (boot/app.h).
u64 app_stackLimit;

// What is to be done at the end of a system call: DUE_… (boot/app.h, tools/image/glue.ts).
u32 app_due;
// What is held up again behind the handler that begins.
u32 app_handlerMask;

INLINE u32 kernel_import_boot_appInitialPages(void) { return app_initialPages; }
INLINE u32 kernel_import_boot_appMaximumPages(void) { return app_maximumPages; }
INLINE u32 kernel_import_boot_appLowest(void) { return (u32)(u64)app_lowest; }
INLINE void kernel_import_boot_appDataCopy(void) { app_dataCopy(); }
INLINE u32 kernel_import_boot_appStart(void) { return app_start(); }
INLINE void kernel_import_boot_appThreadStart(u32 entry, u32 argument) { app_threadStart(entry, argument); }
INLINE u32 kernel_import_boot_appStackPointerGet(void) { return app_stackPointerGet(); }
INLINE void kernel_import_boot_appStackPointerSet(u32 value) { app_stackPointerSet(value); }
INLINE u32 kernel_import_boot_appName(void) { return (u32)(u64)app_name; }
INLINE u32 kernel_import_boot_appPrograms(void) { return app_programs; }
INLINE u32 kernel_import_boot_appProgramPages(u32 number) { return app_programPages(number); }
INLINE void kernel_import_boot_appProgramSelect(u32 number) { app_programSelect(number); }
INLINE void kernel_import_boot_appThreadsEnd(u32 end) { app_threadsEnd = end; }
INLINE void kernel_import_boot_workDue(u32 due) { app_due = (app_due & ~DUE_WORK) | (due ? DUE_WORK : 0); }
INLINE void kernel_import_boot_signalsDue(u32 due) { app_due = (app_due & ~DUE_SIGNALS) | (due ? DUE_SIGNALS : 0); }
INLINE void kernel_import_boot_handlerMask(u32 mask) { app_handlerMask = mask; }
INLINE void kernel_import_boot_setStackLimit(u32 limit) { app_stackLimit = limit; }
