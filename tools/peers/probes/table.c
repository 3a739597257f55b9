/* The probes of system calls. */
#include "probe.h"

/* calls.c */
probe probe_getppid, probe_read, probe_write;
/* pipes.c */
probe probe_pipe, probe_ping_pong, probe_ping_pong_threads;
/* files.c */
probe probe_open_close, probe_stat, probe_fstat;
/* readiness.c */
probe probe_poll, probe_poll_100, probe_epoll;
/* signals.c */
probe probe_signal;
/* sockets.c */
probe probe_unix;
/* processes.c; the argument is MiB of heap */
probe probe_fork, probe_vfork;

const struct named_probe probes[] = {
    {"getppid", probe_getppid},
    {"read", probe_read},
    {"write", probe_write},
    {"pipe", probe_pipe},
    {"ping-pong", probe_ping_pong},
    {"ping-pong-threads", probe_ping_pong_threads},
    {"open-close", probe_open_close},
    {"stat", probe_stat},
    {"fstat", probe_fstat},
    {"poll", probe_poll},
    {"poll-100", probe_poll_100},
    {"epoll", probe_epoll},
    {"signal", probe_signal},
    {"unix", probe_unix},
    {"fork", probe_fork},
    {"vfork", probe_vfork},
    {0, 0},
};
