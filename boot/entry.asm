; Where a domain's life begins. Xen starts the only vCPU here with rsi = start_info (xen.h), event delivery masked,
; paging on, and the memory layout of libxc's PV builder.

%include "boot/xen.inc"

extern kernel_kernelMain

global boot_entry
global boot_hypercallPage
global boot_bootStack
global boot_trapStack
global boot_sharedInfo

section .text
boot_entry:
        cld
        mov     rsp, boot_bootStack.top
        xor     ebp, ebp                ; ends every back trace
        mov     rdi, rsi
        call    kernel_kernelMain       ; never returns
        ud2

; Xen fills this page with one stub per hypercall before the domain runs.
section .hypercall nobits alloc exec nowrite align=4096
boot_hypercallPage:
        resb    PAGE_SIZE

; Each stack has a page below it that the kernel unmaps: an overflow faults instead of writing over its neighbour.
section .stacks nobits alloc noexec write align=4096
boot_bootStack:
        resb    PAGE_SIZE
        resb    BOOT_STACK_SIZE
.top:
boot_trapStack:
        resb    PAGE_SIZE
        resb    TRAP_STACK_SIZE
.top:
; The frame of shared_info (xen.h) is mapped over this page.
boot_sharedInfo:
        resb    PAGE_SIZE
