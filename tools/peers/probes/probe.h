/* A probe does one thing over and over. */
#ifndef PROBES_PROBE_H
#define PROBES_PROBE_H

#include <stdint.h>

/* Does it `count` times, at least once; the ns that took, 0 on failure. */
typedef uint64_t probe(uint64_t argument, uint64_t count);

/* All that the program knows; behind the last one a probe without a name. */
extern const struct named_probe {
  const char *name;
  probe *run;
} probes[];

#endif
