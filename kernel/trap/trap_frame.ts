// The interrupted context as boot/traps.asm lays it down, from the lowest address up.

/** Registers at the moment of a trap. 176 bytes. */
@unmanaged
@final
export class TrapFrame {
  r15: u64;
  r14: u64;
  r13: u64;
  r12: u64;
  rbp: u64;
  rbx: u64;
  r11: u64;
  r10: u64;
  r9: u64;
  r8: u64;
  rax: u64;
  rcx: u64;
  rdx: u64;
  rsi: u64;
  rdi: u64;
  vector: u64;
  error: u64;
  rip: u64;
  cs: u64;
  rflags: u64;
  rsp: u64;
  ss: u64;
}

export const TRAP_FRAME_SIZE: u32 = offsetof<TrapFrame>();
