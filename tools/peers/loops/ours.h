/* Karyon's loops, from the objects that its pipeline made of TypeScript (objects.ts). Addresses are 32 bits wide: the kernel's
 * are the processor's, an app's count from APP_MEMORY. */
#ifndef LOOPS_OURS_H
#define LOOPS_OURS_H

#include <stdint.h>

#define APP_MEMORY 0x40000000ul

uint32_t kernel_loop_checksum(uint32_t data, uint32_t length);
void kernel_loop_copy(uint32_t to, uint32_t from, uint32_t length);
uint64_t kernel_loop_siphash(uint64_t key0, uint64_t key1, uint64_t first, uint64_t second);
uint64_t app_loop_parse(uint32_t text, uint32_t end);

/* Lays an app's static data into its memory. */
void app_dataCopy(void);

#endif
