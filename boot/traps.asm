; Exceptions and event upcalls. Xen delivers both like an interrupt within the guest's kernel mode: on the current
; stack, with rcx and r11 below the usual frame (arch-x86/xen-x86_64.h). The stubs build a TrapFrame
; (kernel/trap/trap_frame.ts) and go back by HYPERVISOR_iret, which restores the event mask and the flags in one step.

%include "boot/xen.inc"

extern kernel_trap
extern kernel_upcall
extern boot_hypercallPage
extern boot_trapStack
extern app_fault

global boot_trapEntries
global boot_eventCallback
global boot_failsafeCallback
global boot_faultEntry
global boot_stackOverflow

TRAP_VECTORS equ 20

%macro push_registers 0
        push    rdi
        push    rsi
        push    rdx
        push    rcx
        push    rax
        push    r8
        push    r9
        push    r10
        push    r11
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
%endmacro

%macro pop_registers 0
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rax
        pop     rcx
        pop     rdx
        pop     rsi
        pop     rdi
%endmacro

; Calls %1(frame) on the stack that rsp was set to, with the interrupted FPU state kept beside rbx = frame.
%macro call_with_fpu_state 1
        and     rsp, -16
        sub     rsp, 512
        fxsave64 [rsp]
        mov     rdi, rbx
        cld
        call    %1
        fxrstor64 [rsp]
        mov     rsp, rbx
%endmacro

section .text

; One stub a vector; the processor pushes an error code for 8, 10-14 and 17 only.
%assign vector 0
%rep TRAP_VECTORS
trap_entry_ %+ vector:
        pop     rcx
        pop     r11
    %if vector != 8 && (vector < 10 || vector > 14) && vector != 17
        push    0
    %endif
        push    vector
        jmp     trap_common
%assign vector vector + 1
%endrep

trap_common:
        push_registers
        mov     rbx, rsp
        ; A trap raised on the trap stack itself goes on below; any other starts from its top.
        mov     rax, rsp
        sub     rax, boot_trapStack
        cmp     rax, PAGE_SIZE + TRAP_STACK_SIZE
        jb      .on_trap_stack
        mov     rsp, boot_trapStack + PAGE_SIZE + TRAP_STACK_SIZE
.on_trap_stack:
        call_with_fpu_state kernel_trap

; rsp = TrapFrame to go back to
return_to_frame:
        pop_registers
        add     rsp, 8                  ; the vector; the error code's place becomes the flags of iret_context
        mov     qword [rsp], 0
        jmp     boot_hypercallPage + HYPERVISOR_iret * HYPERCALL_STUB_SIZE

; Events reach us only while the app runs, because the kernel keeps them masked. The work is done on the app's own stack,
; below which every app function keeps a reserve: so the scheduler may switch to another thread from inside.
boot_eventCallback:
        pop     rcx
        pop     r11
        push    0
        push    -1
        push_registers
        mov     rbx, rsp
        call_with_fpu_state kernel_upcall
        jmp     return_to_frame

; Xen could not restore a segment register. We never load one, so this is a bug: shown as vector 19 + 1.
boot_failsafeCallback:
        add     rsp, 6 * 8              ; rcx, r11, ds, es, fs, gs
        push    0
        push    TRAP_VECTORS
        jmp     trap_common

; An app function found less stack than the reserve. No frame fits there any more: raise the trap on the trap stack.
; edi = kind of wasm trap, rbp = frame of the function that overflowed.
boot_stackOverflow:
        mov     rsp, boot_trapStack + PAGE_SIZE + TRAP_STACK_SIZE
        ud2

; Where an app goes on whose fault has a handler (libos/process/faults.ts): on its own stack, on which rsp is the TrapFrame of the
; fault, with rdi = what app_fault gets. Behind the handler it goes on where it was. Not in an image whose app has no handlers.
section .text.boot_faultEntry progbits alloc exec nowrite align=16
boot_faultEntry:
        mov     rbx, rsp
        and     rsp, -16
        sub     rsp, 512
        fxsave64 [rsp]
        call    app_fault
        fxrstor64 [rsp]
        mov     rsp, rbx
        jmp     return_to_frame

section .rodata
align 8
boot_trapEntries:
%assign vector 0
%rep TRAP_VECTORS
        dq      trap_entry_ %+ vector
%assign vector vector + 1
%endrep
