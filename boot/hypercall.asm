; Hypercalls: the C calling convention on one side, Xen's 64-bit one (arch-x86/xen-x86_64.h) on the other:
; number in rax, arguments in rdi, rsi, rdx, r10, r8; rcx and r11 are lost.

%include "boot/xen.inc"

extern boot_hypercallPage
global boot_hypercall

section .text
; i64 boot_hypercall(u32 number, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
boot_hypercall:
        mov     eax, edi
        shl     eax, 5                  ; HYPERCALL_STUB_SIZE
        add     rax, boot_hypercallPage
        mov     rdi, rsi
        mov     rsi, rdx
        mov     rdx, rcx
        mov     r10, r8
        mov     r8, r9
        jmp     rax
