/*
 * What clang 14 (-mexception-handling -mllvm -wasm-enable-sjlj) calls for setjmp() and longjmp(). longjmp() becomes an exception of WebAssembly
 * whose value is the address of the jmp_buf and of the result. A function with setjmp() catches it and asks by the number in the jmp_buf whether
 * it is one of its own calls; where not, it throws it again. For that the function has a table of its calls, which it allocates (room for four and
 * the end) and frees where it returns; a longjmp() beyond it leaves the table allocated.
 */
#include "setjmp.h"
#include <stdint.h>
#include <stdlib.h>

/* The tag of such exceptions, as clang numbers them: 0 is that of C++. */
#define C_LONGJMP 1

/* One call of setjmp(); the number 0 ends the table. */
struct call {
  uintptr_t number; /* that of the jmp_buf */
  uint32_t place;   /* which setjmp() of the function, from 1 */
};

struct jump {
  void *buffer;
  int result;
};

static uintptr_t last_number;
static int second_result;
static struct jump thrown;

/* The upper half of results of 64 bits: here the new size of a table. */
int getTempRet0(void) { return second_result; }
void setTempRet0(int value) { second_result = value; }

/* setjmp(): enters the call into the function's table of `size` calls, which may move. */
struct call *saveSetjmp(uintptr_t *buffer, uint32_t place, struct call *table, uint32_t size) {
  uint32_t used = 0;
  while (table[used].number != 0) used++;
  if (used == size) {
    size *= 2;
    table = realloc(table, (size + 1) * sizeof *table);
    if (table == NULL) abort();
  }
  *buffer = ++last_number;
  table[used] = (struct call){*buffer, place};
  table[used + 1].number = 0;
  second_result = (int)size;
  return table;
}

/* Which setjmp() of the function an exception is for; 0 for none. */
uint32_t testSetjmp(uintptr_t number, const struct call *table, uint32_t size) {
  for (uint32_t i = 0; i < size && table[i].number != 0; i++) {
    if (table[i].number == number) return table[i].place;
  }
  return 0;
}

_Noreturn void __wasm_longjmp(void *buffer, int result) {
  thrown = (struct jump){buffer, result != 0 ? result : 1};
  __builtin_wasm_throw(C_LONGJMP, &thrown);
}
