// Exceptions of WebAssembly (the proposal's try, catch, delegate, throw and rethrow), under the names by which wasm2c's C calls its own
// runtime (wasm-rt-exceptions.h). A try saves its registers and becomes the target; a throw goes to the target; whoever does not catch it
// throws again. Included by an app's unit whose module has a tag (tools/image/exceptions.ts).
//
// There is one target, so one stack: programs of other toolchains have one thread. Between a throw and its landing nothing but the program
// is on that stack: system calls return before the program goes on, and events leave nothing behind.
#pragma once
#include "app.h"

// rbx, rbp, r12 to r15, rsp, rip: as boot/exceptions.asm saves them.
typedef struct unwind {
  u64 registers[8];
} WASM_RT_UNWIND_TARGET;

typedef const char wasm_tag_placeholder_t;
typedef wasm_tag_placeholder_t* wasm_rt_tag_t;
typedef u32 uint32_t;

#define NULL ((void*)0)
#define alloca __builtin_alloca
#define wasm_rt_memcpy __builtin_memcpy

u32 boot_exceptionTry(struct unwind* target) __attribute__((returns_twice));
void boot_exceptionLand(const struct unwind* target) __attribute__((noreturn));
// Of the unit: ends the program.
__attribute__((noreturn, cold)) static void exceptionUncaught(void);

static struct unwind* exception_target;
static wasm_rt_tag_t exception_tag;
static u32 exception_size;
// What was thrown with the tag: one value at most, because multiple values are refused.
static u64 exception_value;

#define wasm_rt_try(target) boot_exceptionTry(&(target))
#define wasm_rt_get_unwind_target() exception_target
#define wasm_rt_set_unwind_target(target) (exception_target = (target))
#define wasm_rt_exception_tag() exception_tag
#define wasm_rt_exception_size() exception_size
#define wasm_rt_exception() (&exception_value)

__attribute__((unused)) static void wasm_rt_load_exception(wasm_rt_tag_t tag, u32 size, const void* values) {
  exception_tag = tag;
  exception_size = size;
  if (size != 0) __builtin_memmove(&exception_value, values, size);
}

__attribute__((noreturn, unused)) static void wasm_rt_throw(void) {
  if (exception_target == NULL) exceptionUncaught();
  boot_exceptionLand(exception_target);
}
