// What only an app that resolves names has, as kernel/optional/with_fork.ts has it for fork(). libos/net implements it.

/** In the child of a fork and in a restored domain: forgets what is known, which may be another network's or another time's. */
export declare function resolverForget(): void;

/** Keeps what the DHCP server's message says of domains at `target`, which has room for DOMAIN_SEARCH_MAXIMUM bytes. */
export declare function domainSearchTake(message: usize, length: u32, target: usize): void;
