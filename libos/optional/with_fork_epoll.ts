// What only an app has that calls fork() and epoll_create(). libos/posix/epoll/forked.ts implements it.

/** In the child of a fork. */
export declare function epollForked(): void;
