// What the kernel takes from the ground floor. These functions are NASM (boot/*.asm) or C of the image's runtime
// header (boot/runtime.h); this file's name makes their wasm module "boot". Under Node tools/fake-xen provides them.

/** Hypercall `number` (xen.h, __HYPERVISOR_*); the result is Xen's: >= 0, or -errno. */
export declare function hypercall(number: u32, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64): i64;

/** Saves the running context's stack pointer as u64 at `saveStackPointerAt` and continues the context at `stackPointer`. */
export declare function contextSwitch(saveStackPointerAt: usize, stackPointer: usize): void;
/** The address at which a context that has never run begins: it calls the kernel's export threadMain. */
export declare function threadStart(): u64;

/**
 * Saves the running context's stack pointer as u64 at `saveStackPointerAt` for a copy of this domain, and returns what
 * the kernel's export forkRequest returns; in the copy, which begins at forkChild() with that stack pointer, 0.
 */
export declare function forkContext(saveStackPointerAt: usize): i32;
/** Entry of a copy made by fork. */
export declare function forkChild(): u64;

/** The first address of the image and of the direct map: where the domain's frame 0 is mapped. */
export declare function imageBase(): usize;
/** The first address of the image's text, page aligned. */
export declare function textStart(): usize;
/** One past the image's text, page aligned. */
export declare function textEnd(): usize;
/** One past the image's read-only data, page aligned. */
export declare function rodataEnd(): usize;
/** The page over which shared_info is mapped. */
export declare function sharedInfo(): usize;
/** The boot stack's lowest page, which becomes its guard; four more follow. */
export declare function bootStack(): usize;
/** The trap stack's lowest page, which becomes its guard. */
export declare function trapStack(): usize;
/** Table of the exception entries, u64 each, by vector 0 … 19. */
export declare function trapEntries(): usize;
/** Entry of event upcalls. */
export declare function eventCallback(): u64;
/** Where an app's handler of a fault begins, with rsp = a TrapFrame and rdi = the app's word for it. */
export declare function faultEntry(): u64;
/** Entry Xen uses when an iret to the guest fails. */
export declare function failsafeCallback(): u64;
/** The table of function names for back traces (kernel/trap/symbols.ts). */
export declare function symbols(): usize;
/** The blob of embedded files (libos/fs/embedded.ts). */
export declare function filesStart(): usize;

/** A full memory barrier, for compiler and processor: between a store and a later load that a peer orders the other way. */
export declare function barrier(): void;
/** Keeps Xen from delivering event upcalls. */
export declare function eventsMask(): void;
/** Lets Xen deliver event upcalls; not 0 when an event has come already, for which no upcall will. */
export declare function eventsUnmask(): u32;
/** The time stamp counter. */
export declare function rdtsc(): u64;
/** A hardware random number; 0 when the processor has none. */
export declare function rdrand(): u64;
/** The guest's pfn for machine frame `mfn`, from Xen's M2P table, which lies beyond 32 bits. */
export declare function machineToPhys(mfn: u64): u64;

/** Wasm pages (64 KiB) that the app's module declares at its start. */
export declare function appInitialPages(): u32;
/** The most wasm pages that the app's module lets its memory grow to. */
export declare function appMaximumPages(): u32;
/** The lowest offset in its memory at which the app may have anything: a page behind 0, or 0 for a module of another toolchain, which uses it all. */
export declare function appLowest(): u32;
/** The name of the image, as its manifest has it, ended by a zero byte. */
export declare function appName(): usize;
/** How many programs the image has that execve may begin; 0 when it has only the app. */
export declare function appPrograms(): u32;
/** Wasm pages with which program `number` begins. */
export declare function appProgramPages(number: u32): u32;
/** Makes program `number` the app, of which the other functions speak. */
export declare function appProgramSelect(number: u32): void;
/** Says that the app's threads, but for the one that runs, are to end: each at the end of its system call asks for it by the export execThreadEnds. */
export declare function appThreadsEnd(end: bool): void;
/** Copies the app's data segments to their places in the app's mapped memory; of one of several programs, gives its globals their first values, too. */
export declare function appDataCopy(): void;
/** Runs the app's _start; its result is the exit status. */
export declare function appStart(): i32;
/** Runs the app's _thread_start(entry, argument). */
export declare function appThreadStart(entry: u32, argument: u32): void;
/** The app's shadow stack pointer (AssemblyScript's __stack_pointer). */
export declare function appStackPointerGet(): u32;
/** Sets the app's shadow stack pointer. */
export declare function appStackPointerSet(value: u32): void;
/** Says whether the kernel has something to do before the app goes on: then the next system call ends with the export leaveKernel. */
export declare function workDue(due: bool): void;
/** Says whether a handler of the app's for a signal is to run: then the end of each of its system calls asks for it. */
export declare function signalsDue(due: bool): void;
/** Says what is held up again when the handler that is to begin has returned: the app gives it back then. */
export declare function handlerMask(mask: u32): void;
/** App functions trap when their native stack pointer goes below `limit`. */
export declare function setStackLimit(limit: usize): void;
