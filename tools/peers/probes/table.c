/* The probes of system calls. */
#include "probe.h"

/* calls.c */
probe probe_getppid, probe_read, probe_write;
/* pipes.c */
probe probe_pipe, probe_ping_pong, probe_ping_pong_threads;
/* processes.c; the argument is MiB of heap */
probe probe_fork, probe_vfork;

const struct named_probe probes[] = {
    {"getppid", probe_getppid},
    {"read", probe_read},
    {"write", probe_write},
    {"pipe", probe_pipe},
    {"ping-pong", probe_ping_pong},
    {"ping-pong-threads", probe_ping_pong_threads},
    {"fork", probe_fork},
    {"vfork", probe_vfork},
    {0, 0},
};
