// The app of an image that has several programs (tools/image/programs.ts): what boot/kernel.h calls app_… is that of the program that
// runs. Each program is a unit of C of its own, whose symbols begin with its own name; its memory is at the same place as the others'.
#pragma once
#include "runtime.h"

struct program {
  void (*dataCopy)(void);
  u32 (*start)(void);
  void (*threadStart)(u32 entry, u32 argument);
  u32 (*stackPointerGet)(void);
  void (*stackPointerSet)(u32 value);
  void (*fault)(u64 next);
  u32 initialPages;
};

#define DECLARE_PROGRAM(unit)                         \
  void unit##_dataCopy(void);                         \
  u32 unit##_start(void);                             \
  void unit##_threadStart(u32 entry, u32 argument);   \
  u32 unit##_stackPointerGet(void);                   \
  void unit##_stackPointerSet(u32 value);             \
  void unit##_fault(u64 next);

#define PROGRAM(unit, pages) \
  {unit##_dataCopy,        unit##_start,          unit##_threadStart, \
   unit##_stackPointerGet, unit##_stackPointerSet, unit##_fault, pages}

// app_threadsEnd: the program is about to become another one, and its other threads end where they are in the kernel.
#define DEFINE_APP(programs, pages)                                                                   \
  static const struct program* running = programs;                                                    \
  const u32 app_programs = sizeof programs / sizeof programs[0];                                      \
  u32 app_initialPages = pages;                                                                       \
  u32 app_threadsEnd;                                                                                 \
  u32 app_programPages(u32 number) { return programs[number].initialPages; }                          \
  void app_programSelect(u32 number) {                                                                \
    running = &programs[number];                                                                      \
    app_initialPages = running->initialPages;                                                         \
  }                                                                                                   \
  void app_dataCopy(void) { running->dataCopy(); }                                                    \
  u32 app_start(void) { return running->start(); }                                                    \
  void app_threadStart(u32 entry, u32 argument) { running->threadStart(entry, argument); }            \
  u32 app_stackPointerGet(void) { return running->stackPointerGet(); }                                \
  void app_stackPointerSet(u32 value) { running->stackPointerSet(value); }                            \
  void app_fault(u64 next) { running->fault(next); }
