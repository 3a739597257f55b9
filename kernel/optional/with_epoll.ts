// What only an app that calls epoll_create() has, as with_fork.ts has it for fork(). libos/posix/epoll/ready.ts implements it.

/** A queue was woken in which `waiter` stands for no thread (thread/wait_queue.ts). May be called from interrupt work; leaves the queue as it is. */
export declare function watchWoken(waiter: usize): void;
