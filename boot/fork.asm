; Fork: the context in which a copy of this domain begins (kernel/fork/fork.ts). The parent saves it and asks for the
; copy from below it, so that the saved part of the stack stays as it is until the copy is made.

%include "boot/context.inc"

extern kernel_forkRequest

global boot_forkContext
global boot_forkChild

section .text
; i32 boot_forkContext(u32 saveStackPointerAt)
; Puts the stack pointer of the saved context into *saveStackPointerAt (u64) and returns what forkRequest returns.
; In the copy it returns 0.
boot_forkContext:
        push_context
        mov     eax, edi
        mov     [rax], rsp
        sub     rsp, 8                  ; the C calling convention: a multiple of 16 before a call
        call    kernel_forkRequest
        add     rsp, 8
        jmp     restore_context

; Where the copy's vCPU begins: rdi = where the stack pointer was saved, event delivery masked, the FPU as Xen left it.
boot_forkChild:
        cld
        fninit
        ldmxcsr [default_mxcsr]
        mov     rsp, [rdi]
        xor     eax, eax

restore_context:
        pop_context
        ret

section .rodata
align 4
default_mxcsr:
        dd      0x1f80                  ; all exceptions masked, round to nearest
