// The messages about a family's network that have an inside of their own (docs/fork.md, "The mailbox"): LISTENING and ADDRESSES.

const LISTENING_BYTES = 8;
const ADDRESSES_HEADER = 56;
const ADDRESSES_ENTRY = 32;
const ADDRESSES_COUNT = 52;
const MOST_ADDRESSES = 8;

/** That a process accepts connections on a port with this weight, or with 0 that it does not any more. */
export interface Listening {
  readonly port: number;
  readonly protocol: number;
  readonly weight: number;
}

/** What a message says; undefined when it is not one. */
export function listeningOf(payload: Uint8Array): Listening | undefined {
  if (payload.length !== LISTENING_BYTES) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return { port: view.getUint16(0, true), protocol: view.getUint8(2), weight: view.getUint32(4, true) };
}

/** A message that says it. */
export function listeningPayload({ port, protocol, weight }: Listening): Buffer {
  const payload = Buffer.alloc(LISTENING_BYTES);
  payload.writeUInt16LE(port, 0);
  payload.writeUInt8(protocol, 2);
  payload.writeUInt32LE(weight, 4);
  return payload;
}

/** The addresses of a message, IPv4 mapped; undefined when it is not one. */
export function addressesOf(payload: Uint8Array): Uint8Array[] | undefined {
  if (payload.length < ADDRESSES_HEADER) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const count = view.getUint32(ADDRESSES_COUNT, true);
  if (count > MOST_ADDRESSES || payload.length !== ADDRESSES_HEADER + count * ADDRESSES_ENTRY) return undefined;
  const ipv4 = Buffer.alloc(16);
  ipv4.fill(0xff, 10, 12);
  ipv4.writeUInt32BE(view.getUint32(0, true), 12);
  const entries = Array.from({ length: count }, (_, i) => ADDRESSES_HEADER + i * ADDRESSES_ENTRY);
  const ipv6 = entries.map((at) => payload.slice(at, at + 16));
  return [...(view.getUint32(0, true) === 0 ? [] : [ipv4]), ...ipv6];
}
