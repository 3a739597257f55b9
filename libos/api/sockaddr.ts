// sys/socket.h: what sockaddr_in (inet.ts) and sockaddr_in6 (inet6.ts) have in common.

/** struct sockaddr: the beginning of every address of a socket. */
export class sockaddr {
  constructor(
    /** AF_INET or AF_INET6: says which of the two it is. */
    public sa_family: u16,
  ) {}
}
