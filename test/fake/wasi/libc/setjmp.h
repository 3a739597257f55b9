/* setjmp() and longjmp() for clang's -mllvm -wasm-enable-sjlj, which replaces both by what setjmp.c has: Debian 12's wasi-libc has no such header. */
#ifndef KARYON_SETJMP_H
#define KARYON_SETJMP_H

typedef unsigned long jmp_buf[4];

int setjmp(jmp_buf) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf, int);

#endif
