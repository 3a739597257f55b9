; The Xen ELF notes (xen/include/public/elfnote.h) by which the domain builder learns what kind of kernel this is.

%include "boot/xen.inc"

extern boot_imageBase
extern boot_entry
extern boot_hypercallPage

%macro note_text 2 ; type, text
        dd 4, %%end - %%text, %1
        db "Xen", 0
%%text: db %2, 0
%%end:  align 4, db 0
%endmacro

%macro note_number 2+ ; type, value [, value]
        dd 4, %%end - %%number, %1
        db "Xen", 0
%%number: dq %2
%%end:
%endmacro

section .note.Xen note align=4
        note_text   XEN_ELFNOTE_GUEST_OS, "Karyon"
        note_text   XEN_ELFNOTE_GUEST_VERSION, "0.1"
        note_text   XEN_ELFNOTE_XEN_VERSION, "xen-3.0"
        note_text   XEN_ELFNOTE_LOADER, "generic"
        note_text   XEN_ELFNOTE_PAE_MODE, "yes"
        note_text   XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb"
        note_number XEN_ELFNOTE_ENTRY, boot_entry
        note_number XEN_ELFNOTE_HYPERCALL_PAGE, boot_hypercallPage
        note_number XEN_ELFNOTE_VIRT_BASE, boot_imageBase
        note_number XEN_ELFNOTE_PADDR_OFFSET, boot_imageBase
        note_number XEN_ELFNOTE_SUSPEND_CANCEL, 1
        note_number XEN_ELFNOTE_L1_MFN_VALID, 1, 1
