// The freestanding C runtime below the C that wasm2c makes of kernel.wasm and app.wasm (tools/image/translate.ts).
//
// Memory: each module's linear memory begins at a constant guest-virtual address, which the compiler folds into the
// displacement of the access. There are no bounds checks: a 32-bit index plus a 32-bit offset cannot leave the 8 GiB
// behind the base, and what is not mapped there faults (docs/architecture.md, "Virtual address map").
// Arithmetic: WebAssembly's, bit for bit. What WebAssembly calls a trap is `ud2` with the kind of trap in edi.
#pragma once

typedef unsigned char u8;
typedef signed char s8;
typedef unsigned short u16;
typedef short s16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long u64;
typedef long s64;
typedef float f32;
typedef double f64;

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define INLINE static inline __attribute__((always_inline, unused))

_Static_assert(sizeof(u32) == 4 && sizeof(u64) == 8, "x86-64, LP64");

// ---- linear memories ------------------------------------------------------------------------------------------------

#define KERNEL_MEMORY 0x0ull
#define APP_MEMORY 0x40000000ull

// An object of type `type` at any address: unaligned, and aliasing whatever lies there.
#define AT(type, address) (*(type##_any*)(address))

typedef u8 __attribute__((may_alias)) u8_any;
typedef s8 __attribute__((may_alias)) s8_any;
typedef u16 __attribute__((may_alias, aligned(1))) u16_any;
typedef s16 __attribute__((may_alias, aligned(1))) s16_any;
typedef u32 __attribute__((may_alias, aligned(1))) u32_any;
typedef s32 __attribute__((may_alias, aligned(1))) s32_any;
typedef u64 __attribute__((may_alias, aligned(1))) u64_any;
typedef f32 __attribute__((may_alias, aligned(1))) f32_any;
typedef f64 __attribute__((may_alias, aligned(1))) f64_any;

// Naturally aligned, for atomic operations.
typedef u8 __attribute__((may_alias)) u8_aligned;
typedef u16 __attribute__((may_alias)) u16_aligned;
typedef u32 __attribute__((may_alias)) u32_aligned;
typedef u64 __attribute__((may_alias)) u64_aligned;

#define DEFINE_LOAD(name, stored, extended, result) \
  INLINE result name(u64 memory, u64 address) { return (result)(extended)AT(stored, memory + address); }

DEFINE_LOAD(i32_load, u32, u32, u32)
DEFINE_LOAD(i64_load, u64, u64, u64)
DEFINE_LOAD(f32_load, f32, f32, f32)
DEFINE_LOAD(f64_load, f64, f64, f64)
DEFINE_LOAD(i32_load8_s, s8, s32, u32)
DEFINE_LOAD(i64_load8_s, s8, s64, u64)
DEFINE_LOAD(i32_load8_u, u8, u32, u32)
DEFINE_LOAD(i64_load8_u, u8, u64, u64)
DEFINE_LOAD(i32_load16_s, s16, s32, u32)
DEFINE_LOAD(i64_load16_s, s16, s64, u64)
DEFINE_LOAD(i32_load16_u, u16, u32, u32)
DEFINE_LOAD(i64_load16_u, u16, u64, u64)
DEFINE_LOAD(i64_load32_s, s32, s64, u64)
DEFINE_LOAD(i64_load32_u, u32, u64, u64)

#define DEFINE_STORE(name, stored, given) \
  INLINE void name(u64 memory, u64 address, given value) { AT(stored, memory + address) = (stored)value; }

DEFINE_STORE(i32_store, u32, u32)
DEFINE_STORE(i64_store, u64, u64)
DEFINE_STORE(f32_store, f32, f32)
DEFINE_STORE(f64_store, f64, f64)
DEFINE_STORE(i32_store8, u8, u32)
DEFINE_STORE(i32_store16, u16, u32)
DEFINE_STORE(i64_store8, u8, u64)
DEFINE_STORE(i64_store16, u16, u64)
DEFINE_STORE(i64_store32, u32, u64)

// The C library's four; the compiler calls them for struct copies and the like. Implemented in boot/memory.h.
void* memcpy(void* restrict destination, const void* restrict source, u64 length);
void* memmove(void* destination, const void* source, u64 length);
void* memset(void* destination, int value, u64 length);
int memcmp(const void* left, const void* right, u64 length);

INLINE void memory_copy(u64 to_memory, u64 from_memory, u64 to, u64 from, u64 length) {
  __builtin_memmove((void*)(to_memory + to), (const void*)(from_memory + from), length);
}

INLINE void memory_fill(u64 memory, u64 to, u32 value, u64 length) {
  void* first = (void*)(memory + to);
  if (length == 1) *(u8_any*)first = (u8)value; // a byte takes less than the call
  else __builtin_memset(first, (int)(u8)value, length);
}

// ---- ends of system calls --------------------------------------------------------------------------------------------

// Bits of app_due: the kernel has work to do before the app goes on, a handler for a signal is to run.
enum { DUE_WORK = 1, DUE_SIGNALS = 2 };

// ---- traps ----------------------------------------------------------------------------------------------------------

// The numbers are known to kernel/trap/.
enum trap {
  TRAP_UNREACHABLE = 1,
  TRAP_DIV_BY_ZERO = 2,
  TRAP_INT_OVERFLOW = 3,
  TRAP_INVALID_CONVERSION = 4,
  TRAP_INDIRECT_BOUNDS = 5,
  TRAP_INDIRECT_NULL = 6,
  TRAP_INDIRECT_TYPE = 7,
  TRAP_STACK_OVERFLOW = 8,
  TRAP_UNALIGNED = 9,
  TRAP_ABORT = 10,
};

__attribute__((noreturn, always_inline, unused)) static inline void trap(enum trap kind) {
  __asm__ volatile("ud2" : : "D"((u32)kind) : "memory");
  __builtin_unreachable();
}

#define TRAP(kind) (trap(TRAP_##kind), 0)
#define UNREACHABLE TRAP(UNREACHABLE)

// ---- indirect calls -------------------------------------------------------------------------------------------------

// One table slot. Type 0 is the empty slot; equal numbers mean equal signatures within a module.
struct indirect {
  void (*function)(void);
  u64 type;
};

INLINE void check_indirect(const struct indirect* table, u32 size, u32 index, u32 type) {
  if (UNLIKELY(index >= size)) trap(TRAP_INDIRECT_BOUNDS);
  if (UNLIKELY(table[index].type != type)) trap(table[index].type == 0 ? TRAP_INDIRECT_NULL : TRAP_INDIRECT_TYPE);
}

#define CALL_INDIRECT(table, size, function_type, type, index, ...) \
  (check_indirect(table, size, index, type), ((function_type)table[index].function)(__VA_ARGS__))

// ---- integers -------------------------------------------------------------------------------------------------------

#define I32_CLZ(x) ((x) ? (u32)__builtin_clz(x) : 32u)
#define I64_CLZ(x) ((x) ? (u64)__builtin_clzl(x) : 64ul)
#define I32_CTZ(x) ((x) ? (u32)__builtin_ctz(x) : 32u)
#define I64_CTZ(x) ((x) ? (u64)__builtin_ctzl(x) : 64ul)
#define I32_POPCNT(x) ((u32)__builtin_popcount(x))
#define I64_POPCNT(x) ((u64)__builtin_popcountl(x))

#define I32_MIN (-0x7fffffff - 1)
#define I64_MIN (-0x7fffffffffffffffl - 1)

#define DEFINE_DIVISION(bits)                                                                  \
  INLINE u##bits I##bits##_DIV_S(u##bits x, u##bits y) {                                       \
    if (UNLIKELY(y == 0)) trap(TRAP_DIV_BY_ZERO);                                              \
    if (UNLIKELY((s##bits)x == I##bits##_MIN && (s##bits)y == -1)) trap(TRAP_INT_OVERFLOW);    \
    return (u##bits)((s##bits)x / (s##bits)y);                                                 \
  }                                                                                            \
  INLINE u##bits I##bits##_REM_S(u##bits x, u##bits y) {                                       \
    if (UNLIKELY(y == 0)) trap(TRAP_DIV_BY_ZERO);                                              \
    return (s##bits)y == -1 ? 0 : (u##bits)((s##bits)x % (s##bits)y);                          \
  }                                                                                            \
  INLINE u##bits I##bits##_DIV_U(u##bits x, u##bits y) {                                       \
    if (UNLIKELY(y == 0)) trap(TRAP_DIV_BY_ZERO);                                              \
    return x / y;                                                                              \
  }                                                                                            \
  INLINE u##bits I##bits##_REM_U(u##bits x, u##bits y) {                                       \
    if (UNLIKELY(y == 0)) trap(TRAP_DIV_BY_ZERO);                                              \
    return x % y;                                                                              \
  }                                                                                            \
  INLINE u##bits I##bits##_ROTL(u##bits x, u##bits y) {                                        \
    return (x << (y & (bits - 1))) | (x >> (-y & (bits - 1)));                                 \
  }                                                                                            \
  INLINE u##bits I##bits##_ROTR(u##bits x, u##bits y) {                                        \
    return (x >> (y & (bits - 1))) | (x << (-y & (bits - 1)));                                 \
  }

DEFINE_DIVISION(32)
DEFINE_DIVISION(64)

// wasm2c writes unsigned division without naming the width.
#define DIV_U(x, y) (sizeof(x) == 8 ? I64_DIV_U(x, y) : (u64)I32_DIV_U((u32)(x), (u32)(y)))
#define REM_U(x, y) (sizeof(x) == 8 ? I64_REM_U(x, y) : (u64)I32_REM_U((u32)(x), (u32)(y)))

// ---- floating point -------------------------------------------------------------------------------------------------

#define DEFINE_REINTERPRET(name, from, to) \
  INLINE to name(from x) {                 \
    to result;                             \
    __builtin_memcpy(&result, &x, sizeof(to)); \
    return result;                         \
  }

DEFINE_REINTERPRET(f32_reinterpret_i32, u32, f32)
DEFINE_REINTERPRET(i32_reinterpret_f32, f32, u32)
DEFINE_REINTERPRET(f64_reinterpret_i64, u64, f64)
DEFINE_REINTERPRET(i64_reinterpret_f64, f64, u64)

// A NaN stays the NaN it was, made quiet.
INLINE f32 wasm_quietf(f32 x) { return x != x ? f32_reinterpret_i32(i32_reinterpret_f32(x) | 0x7fc00000u) : x; }
INLINE f64 wasm_quiet(f64 x) {
  return x != x ? f64_reinterpret_i64(i64_reinterpret_f64(x) | 0x7ff8000000000000ul) : x;
}

// The sign is a bit: fabs and copysign leave a NaN's payload alone.
INLINE f32 wasm_fabsf(f32 x) { return f32_reinterpret_i32(i32_reinterpret_f32(x) & 0x7fffffffu); }
INLINE f64 wasm_fabs(f64 x) { return f64_reinterpret_i64(i64_reinterpret_f64(x) & 0x7ffffffffffffffful); }
INLINE f32 copysignf(f32 x, f32 y) { return __builtin_copysignf(x, y); }
INLINE f64 copysign(f64 x, f64 y) { return __builtin_copysign(x, y); }

// One SSE4.1 instruction (x86-64-v2) each, which makes a NaN quiet by itself.
#define DEFINE_ROUND(name)                                          \
  INLINE f32 wasm_##name##f(f32 x) { return __builtin_##name##f(x); } \
  INLINE f64 wasm_##name(f64 x) { return __builtin_##name(x); }

DEFINE_ROUND(floor)
DEFINE_ROUND(ceil)
DEFINE_ROUND(trunc)
DEFINE_ROUND(nearbyint)
DEFINE_ROUND(sqrt)

// Any NaN makes NaN; the zeros are ordered by their sign.
#define DEFINE_EXTREMES(type, suffix)                                                          \
  INLINE type wasm_min##suffix(type x, type y) {                                               \
    if (UNLIKELY(x != x || y != y)) return __builtin_nan##suffix("");                          \
    if (UNLIKELY(x == 0 && y == 0)) return __builtin_signbit(x) ? x : y;                       \
    return x < y ? x : y;                                                                      \
  }                                                                                            \
  INLINE type wasm_max##suffix(type x, type y) {                                               \
    if (UNLIKELY(x != x || y != y)) return __builtin_nan##suffix("");                          \
    if (UNLIKELY(x == 0 && y == 0)) return __builtin_signbit(x) ? y : x;                       \
    return x > y ? x : y;                                                                      \
  }

DEFINE_EXTREMES(f32, f)
DEFINE_EXTREMES(f64, )

#define FMIN(x, y) _Generic((x), f32: wasm_minf, f64: wasm_min)(x, y)
#define FMAX(x, y) _Generic((x), f32: wasm_maxf, f64: wasm_max)(x, y)
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

// Float to integer. `above` and `below` are the exclusive bounds of what converts; both are exact in the float type.
// A bound that is not (2^31 + 1 as f32 …) is written as the inclusive comparison it stands for.
#define DEFINE_TRUNCATION(integer, sign, unsigned_type, signed_type, float_name, float_type, inside, least, most) \
  INLINE unsigned_type integer##_TRUNC_##sign##_##float_name(float_type x) {                                      \
    if (UNLIKELY(x != x)) trap(TRAP_INVALID_CONVERSION);                                                          \
    if (UNLIKELY(!(inside))) trap(TRAP_INT_OVERFLOW);                                                             \
    return (unsigned_type)(signed_type)x;                                                                         \
  }                                                                                                               \
  INLINE unsigned_type integer##_TRUNC_SAT_##sign##_##float_name(float_type x) {                                  \
    if (UNLIKELY(!(inside))) return x != x ? 0 : x < 0 ? (unsigned_type)least : (unsigned_type)most;              \
    return (unsigned_type)(signed_type)x;                                                                         \
  }

DEFINE_TRUNCATION(I32, S, u32, s32, F32, f32, x >= -0x1p31f && x < 0x1p31f, I32_MIN, 0x7fffffff)
DEFINE_TRUNCATION(I32, S, u32, s32, F64, f64, x > -0x1.00000002p31 && x < 0x1p31, I32_MIN, 0x7fffffff)
DEFINE_TRUNCATION(I64, S, u64, s64, F32, f32, x >= -0x1p63f && x < 0x1p63f, I64_MIN, 0x7fffffffffffffff)
DEFINE_TRUNCATION(I64, S, u64, s64, F64, f64, x >= -0x1p63 && x < 0x1p63, I64_MIN, 0x7fffffffffffffff)
DEFINE_TRUNCATION(I32, U, u32, u32, F32, f32, x > -1.0f && x < 0x1p32f, 0, 0xffffffffu)
DEFINE_TRUNCATION(I32, U, u32, u32, F64, f64, x > -1.0 && x < 0x1p32, 0, 0xffffffffu)
DEFINE_TRUNCATION(I64, U, u64, u64, F32, f32, x > -1.0f && x < 0x1p64f, 0, 0xfffffffffffffffful)
DEFINE_TRUNCATION(I64, U, u64, u64, F64, f64, x > -1.0 && x < 0x1p64, 0, 0xfffffffffffffffful)

// ---- atomics --------------------------------------------------------------------------------------------------------

// Really atomic and sequentially consistent: the peers of the shared rings run on other processors.
#define CHECK_ALIGNMENT(address, type) \
  if (UNLIKELY((address) % sizeof(type))) trap(TRAP_UNALIGNED)

#define CELL(stored) ((stored##_aligned*)(memory + address))

#define DEFINE_RMW(given, stored, name, builtin)                                       \
  INLINE given name(u64 memory, u64 address, given value) {                            \
    CHECK_ALIGNMENT(address, stored);                                                  \
    return __atomic_##builtin(CELL(stored), (stored)value, __ATOMIC_SEQ_CST);          \
  }

#define DEFINE_ATOMICS(given, stored, prefix, bits, unsigned_suffix)                                  \
  INLINE given prefix##_atomic_load##bits##unsigned_suffix(u64 memory, u64 address) {                 \
    CHECK_ALIGNMENT(address, stored);                                                                 \
    return __atomic_load_n(CELL(stored), __ATOMIC_SEQ_CST);                                           \
  }                                                                                                   \
  INLINE void prefix##_atomic_store##bits(u64 memory, u64 address, given value) {                     \
    CHECK_ALIGNMENT(address, stored);                                                                 \
    __atomic_store_n(CELL(stored), (stored)value, __ATOMIC_SEQ_CST);                                  \
  }                                                                                                   \
  DEFINE_RMW(given, stored, prefix##_atomic_rmw##bits##_add##unsigned_suffix, fetch_add)              \
  DEFINE_RMW(given, stored, prefix##_atomic_rmw##bits##_sub##unsigned_suffix, fetch_sub)              \
  DEFINE_RMW(given, stored, prefix##_atomic_rmw##bits##_and##unsigned_suffix, fetch_and)              \
  DEFINE_RMW(given, stored, prefix##_atomic_rmw##bits##_or##unsigned_suffix, fetch_or)                \
  DEFINE_RMW(given, stored, prefix##_atomic_rmw##bits##_xor##unsigned_suffix, fetch_xor)              \
  DEFINE_RMW(given, stored, prefix##_atomic_rmw##bits##_xchg##unsigned_suffix, exchange_n)            \
  INLINE given prefix##_atomic_rmw##bits##_cmpxchg##unsigned_suffix(u64 memory, u64 address,          \
                                                                    given expected, given replacement) { \
    CHECK_ALIGNMENT(address, stored);                                                                 \
    stored seen = (stored)expected;                                                                   \
    __atomic_compare_exchange_n(CELL(stored), &seen, (stored)replacement, 0, __ATOMIC_SEQ_CST,        \
                                __ATOMIC_SEQ_CST);                                                    \
    return seen;                                                                                      \
  }

DEFINE_ATOMICS(u32, u8, i32, 8, _u)
DEFINE_ATOMICS(u32, u16, i32, 16, _u)
DEFINE_ATOMICS(u32, u32, i32, , )
DEFINE_ATOMICS(u64, u8, i64, 8, _u)
DEFINE_ATOMICS(u64, u16, i64, 16, _u)
DEFINE_ATOMICS(u64, u32, i64, 32, _u)
DEFINE_ATOMICS(u64, u64, i64, , )

#define atomic_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
