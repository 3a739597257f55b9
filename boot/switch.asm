; Cooperative context switch. Everything that the C calling convention lets a call destroy is dead here, so a context
; is six registers and a stack pointer. The x87 and SSE control words are the same in every thread.

%include "boot/context.inc"

extern kernel_threadMain

global boot_contextSwitch
global boot_threadStart

section .text
; void boot_contextSwitch(u32 saveStackPointerAt, u32 stackPointer)
; Saves the running context, puts its stack pointer into *saveStackPointerAt (u64) and continues the other one.
boot_contextSwitch:
        push_context
        mov     eax, edi
        mov     [rax], rsp
        mov     esp, esi
        pop_context
        ret

; The return address of a context that has never run.
boot_threadStart:
        xor     ebp, ebp
        and     rsp, -16                ; the C calling convention: a multiple of 16 before a call
        call    kernel_threadMain       ; never returns
        ud2
