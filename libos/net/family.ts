// What the network does for its family: messages of forkd and relatives, by who takes them.

/** Export, by libos/with_fork_network.ts. */
export function networkMessage(_type: u32, _flags: u32, _from: i32, _payload: usize, _length: u32): bool {
  return false;
}

/** Export, by libos/with_fork_network.ts. */
export function networkRoom(): void {}
