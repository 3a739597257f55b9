// Constants of signals: asm/signal.h and asm-generic/siginfo.h of Linux.

export const SIGHUP: i32 = 1;
export const SIGINT: i32 = 2;
export const SIGQUIT: i32 = 3;
export const SIGILL: i32 = 4;
export const SIGTRAP: i32 = 5;
export const SIGABRT: i32 = 6;
export const SIGBUS: i32 = 7;
export const SIGFPE: i32 = 8;
export const SIGKILL: i32 = 9;
export const SIGUSR1: i32 = 10;
export const SIGSEGV: i32 = 11;
export const SIGUSR2: i32 = 12;
export const SIGPIPE: i32 = 13;
export const SIGALRM: i32 = 14;
export const SIGTERM: i32 = 15;
export const SIGCHLD: i32 = 17;
export const SIGCONT: i32 = 18;
export const SIGSTOP: i32 = 19;
export const SIGTSTP: i32 = 20;
export const SIGTTIN: i32 = 21;
export const SIGTTOU: i32 = 22;
export const SIGURG: i32 = 23;
export const SIGXCPU: i32 = 24;
export const SIGXFSZ: i32 = 25;
export const SIGVTALRM: i32 = 26;
export const SIGPROF: i32 = 27;
export const SIGWINCH: i32 = 28;
export const SIGIO: i32 = 29;
export const SIGPWR: i32 = 30;
export const SIGSYS: i32 = 31;

// What is to be done with the set that sigprocmask is given.
export const SIG_BLOCK: i32 = 0;
export const SIG_UNBLOCK: i32 = 1;
export const SIG_SETMASK: i32 = 2;

// Flags of sigaction.
/** Of SIGCHLD: children that stop or go on are not told. */
export const SA_NOCLDSTOP: u32 = 1;
/** Of SIGCHLD: children leave nothing to be waited for. */
export const SA_NOCLDWAIT: u32 = 2;
/** The handler is told more than the number. */
export const SA_SIGINFO: u32 = 4;
/** Calls that the handler interrupts are made again, instead of failing with EINTR. */
export const SA_RESTART: u32 = 0x10000000;
/** The signal may interrupt its own handler. */
export const SA_NODEFER: u32 = 0x40000000;
/** The handler runs once; then the signal does what it does by default. */
export const SA_RESETHAND: u32 = 0x80000000;

// Flags of signalfd.
export const SFD_NONBLOCK: i32 = 0x800;
export const SFD_CLOEXEC: i32 = 0x80000;

// si_code: why a signal came.
/** By kill() or raise(). */
export const SI_USER: i32 = 0;
/** By sigqueue(). */
export const SI_QUEUE: i32 = -1;
/** By pthread_kill(). */
export const SI_TKILL: i32 = -6;
/** By the kernel. */
export const SI_KERNEL: i32 = 0x80;
// Of SIGILL, SIGFPE, SIGSEGV and SIGBUS: what the process has done.
export const ILL_ILLOPN: i32 = 2;
export const FPE_INTDIV: i32 = 1;
export const FPE_INTOVF: i32 = 2;
export const FPE_FLTINV: i32 = 7;
export const SEGV_MAPERR: i32 = 1;
export const SEGV_ACCERR: i32 = 2;
export const BUS_ADRALN: i32 = 1;

// Of SIGCHLD.
export const CLD_EXITED: i32 = 1;
export const CLD_KILLED: i32 = 2;
export const CLD_STOPPED: i32 = 5;
export const CLD_CONTINUED: i32 = 6;

// Which time an interval timer counts (sys/time.h).
/** Real time; SIGALRM. */
export const ITIMER_REAL: i32 = 0;
export const ITIMER_VIRTUAL: i32 = 1;
export const ITIMER_PROF: i32 = 2;
