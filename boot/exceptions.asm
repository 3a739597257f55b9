; Where an exception of WebAssembly lands (boot/exceptions.h). A try saves what a function keeps for its caller: six registers, the stack
; pointer behind its return, and where it returns to. Images of apps without exceptions are linked without this section.

global boot_exceptionTry
global boot_exceptionLand

section .text.exceptions progbits alloc exec nowrite align=16
; u32 boot_exceptionTry(struct unwind* target)
; Returns 0; and again, as 1, when an exception lands there.
boot_exceptionTry:
        mov     [rdi], rbx
        mov     [rdi + 8], rbp
        mov     [rdi + 16], r12
        mov     [rdi + 24], r13
        mov     [rdi + 32], r14
        mov     [rdi + 40], r15
        lea     rax, [rsp + 8]
        mov     [rdi + 48], rax
        mov     rax, [rsp]
        mov     [rdi + 56], rax
        xor     eax, eax
        ret

; void boot_exceptionLand(const struct unwind* target)
; The function that made the target has not returned.
boot_exceptionLand:
        mov     rbx, [rdi]
        mov     rbp, [rdi + 8]
        mov     r12, [rdi + 16]
        mov     r13, [rdi + 24]
        mov     r14, [rdi + 32]
        mov     r15, [rdi + 40]
        mov     rsp, [rdi + 48]
        mov     eax, 1
        jmp     [rdi + 56]
