// What only an image with a network has whose app calls fork(): bound as those of kernel/with_fork.ts and libos/with_network.ts are, where
// both are. libos/net/family.ts implements them.

/** In the child of a fork: what of the network was the parent's alone. */
export declare function networkForked(): void;
/** The ports for connections and datagrams that name none. */
export declare function networkPorts(first: u32, count: u32): void;
/** Takes in a message of the family; false when it is none that concerns the network. Kernel work: must not block. */
export declare function networkMessage(type: u32, flags: u32, from: i32, payload: usize, length: u32): bool;
/** The mailbox has room again, for which somebody waits. */
export declare function networkRoom(): void;
