/* A probe does one thing over and over. */
#ifndef PROBES_PROBE_H
#define PROBES_PROBE_H

#include <stdint.h>

/* Does it `count` times, at least once; the ns that took, 0 on failure. */
typedef uint64_t probe(uint64_t argument, uint64_t count);

/* calls.c */
probe probe_getppid, probe_read, probe_write;
/* pipes.c */
probe probe_pipe, probe_ping_pong, probe_ping_pong_threads;
/* processes.c; the argument is MiB of heap */
probe probe_fork, probe_vfork;

#endif
