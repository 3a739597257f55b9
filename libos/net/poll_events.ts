// Readiness bits of a socket, with Linux's values (include/uapi/asm-generic/poll.h).

/** Data, a connection or the end of the stream can be read without blocking. */
export const POLLIN: u32 = 0x001;
/** Data can be written without blocking. */
export const POLLOUT: u32 = 0x004;
/** An error is pending. */
export const POLLERR: u32 = 0x008;
/** Both directions are over. */
export const POLLHUP: u32 = 0x010;
/** The peer will send no more. */
export const POLLRDHUP: u32 = 0x2000;
/** POLLIN and its other name for normal data, POLLRDNORM: what is ready to be read says both. */
export const READABLE: u32 = POLLIN | 0x040;
/** POLLOUT and POLLWRNORM, likewise. */
export const WRITABLE: u32 = POLLOUT | 0x100;
