// sys/socket.h: what sockaddr_in (inet.ts), sockaddr_in6 (inet6.ts) and sockaddr_un (un.ts) have in common.

/** struct sockaddr: the beginning of every address of a socket. */
export class sockaddr {
  constructor(
    /** AF_INET, AF_INET6 or AF_UNIX: says which of them it is. */
    public sa_family: u16,
  ) {}
}
