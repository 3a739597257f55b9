// A flow as a member of a family sees it, and as dom0's rules find it: by a key that is made of a frame's addresses and ports.

export const TCP = 6;
export const UDP = 17;
export type Protocol = typeof TCP | typeof UDP;

/** One TCP connection or UDP flow. */
export interface Flow {
  readonly protocol: Protocol;
  /** 16 bytes; IPv4 addresses are mapped (::ffff:0:0/96). */
  readonly remote: Uint8Array;
  readonly remotePort: number;
  readonly local: Uint8Array;
  readonly localPort: number;
}

/** A flow and the process that has it. */
export interface OwnedFlow {
  readonly flow: Flow;
  readonly pid: number;
}

const MAPPED_PREFIX = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
const HASH_BASE = 0xdeadbeef;
const HASH_BLOCK = 12;

/** Whether an address of 16 bytes is an IPv4 address. */
export function isIpv4(address: Uint8Array): boolean {
  return MAPPED_PREFIX.equals(address.subarray(0, MAPPED_PREFIX.length));
}

/** An IPv4 address in 16 bytes. */
export function mapped(address: Uint8Array): Buffer {
  return Buffer.concat([MAPPED_PREFIX, address]);
}

/** Which map of owners a flow is found in. */
export function ownersOf({ protocol, local }: Flow): string {
  return `${protocol === TCP ? "tcp" : "udp"}${isIpv4(local) ? 4 : 6}`;
}

/** What a frame to us loads into registers: remote and local address, remote and local port, these padded to four bytes. */
export function flowKey({ remote, remotePort, local, localPort }: Flow): Buffer {
  const from = isIpv4(local) ? MAPPED_PREFIX.length : 0;
  return Buffer.concat([remote.subarray(from), local.subarray(from), portKey(remotePort), portKey(localPort)]);
}

/** A port as a register holds it. */
export function portKey(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff, 0, 0]);
}

/** Jenkins' hash (lookup3, 2006) as Linux computes it: the number behind slotOf(). */
export function jenkinsHash(bytes: Uint8Array, seed: number): number {
  const words = Buffer.alloc(Math.max(Math.ceil(bytes.length / HASH_BLOCK), 1) * HASH_BLOCK);
  words.set(bytes);
  let a = (HASH_BASE + bytes.length + seed) | 0;
  let b = a;
  let c = a;
  for (let at = 0; at < words.length; at += HASH_BLOCK) {
    a = (a + words.readInt32LE(at)) | 0;
    b = (b + words.readInt32LE(at + 4)) | 0;
    c = (c + words.readInt32LE(at + 8)) | 0;
    if (at + HASH_BLOCK === words.length) break;
    [a, c] = [((a - c) ^ rotate(c, 4)) | 0, (c + b) | 0];
    [b, a] = [((b - a) ^ rotate(a, 6)) | 0, (a + c) | 0];
    [c, b] = [((c - b) ^ rotate(b, 8)) | 0, (b + a) | 0];
    [a, c] = [((a - c) ^ rotate(c, 16)) | 0, (c + b) | 0];
    [b, a] = [((b - a) ^ rotate(a, 19)) | 0, (a + c) | 0];
    [c, b] = [((c - b) ^ rotate(b, 4)) | 0, (b + a) | 0];
  }
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  return ((c ^ b) - rotate(b, 24)) >>> 0;
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
