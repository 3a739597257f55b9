// What a device does on the way out: completes blank transport checksums, and cuts a TCP frame with a gsoSize into
// segments (TSO). Written from the RFCs, apart from the stack, so that one checks the other.

const ETHERNET = 14;

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (value >> 8) & 255;
  bytes[at + 1] = value & 255;
}

function u32(bytes: Uint8Array, at: number): number {
  return ((u16(bytes, at) << 16) | u16(bytes, at + 2)) >>> 0;
}

function setU32(bytes: Uint8Array, at: number, value: number): void {
  setU16(bytes, at, value >>> 16);
  setU16(bytes, at + 2, value & 0xffff);
}

/** RFC 1071 sum, folded, of `bytes` from `start` to `end`, added to `initial`. */
export function internetSum(bytes: Uint8Array, start: number, end: number, initial = 0): number {
  let sum = initial;
  for (let at = start; at + 1 < end; at += 2) sum += u16(bytes, at);
  if ((end - start) % 2 === 1) sum += (bytes[end - 1] ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return sum;
}

function isIpv6(frame: Uint8Array): boolean {
  return (frame[ETHERNET] ?? 0) >> 4 === 6;
}

/** Where the header behind IP's begins. */
function transportAt(frame: Uint8Array): number {
  return ETHERNET + (isIpv6(frame) ? 40 : ((frame[ETHERNET] ?? 0) & 15) * 4);
}

/** The sum over the TCP pseudo-header of the packet at `ip`. */
export function pseudoHeaderSum(frame: Uint8Array, ip: number, length: number): number {
  if (isIpv6(frame)) return internetSum(frame, ip + 8, ip + 40, (frame[ip + 6] ?? 0) + length);
  return internetSum(frame, ip + 12, ip + 20, (frame[ip + 9] ?? 0) + length);
}

/** Computes the TCP checksum of an Ethernet frame in place. */
export function fillTcpChecksum(frame: Uint8Array): void {
  const tcp = transportAt(frame);
  const end = isIpv6(frame) ? tcp + u16(frame, ETHERNET + 4) : ETHERNET + u16(frame, ETHERNET + 2);
  setU16(frame, tcp + 16, 0);
  setU16(frame, tcp + 16, ~internetSum(frame, tcp, end, pseudoHeaderSum(frame, ETHERNET, end - tcp)) & 0xffff);
}

/** Makes the header of IP that of a frame of this length. */
function fitIp(frame: Uint8Array): void {
  if (isIpv6(frame)) {
    setU16(frame, ETHERNET + 4, frame.length - ETHERNET - 40);
    return;
  }
  setU16(frame, ETHERNET + 2, frame.length - ETHERNET);
  setU16(frame, ETHERNET + 10, 0);
  setU16(frame, ETHERNET + 10, ~internetSum(frame, ETHERNET, ETHERNET + 20) & 0xffff);
}

/** The frames that go onto the wire for one frame with `gsoSize` (0 = it goes as it is) and maybe a blank checksum. */
export function segmentFrame(frame: Uint8Array, gsoSize: number, checksumBlank: boolean): Uint8Array[] {
  const tcp = transportAt(frame);
  if (gsoSize === 0) {
    if (checksumBlank && frame[ETHERNET + (isIpv6(frame) ? 6 : 9)] === 6) fillTcpChecksum(frame);
    return [frame];
  }
  const payloadAt = tcp + ((frame[tcp + 12] ?? 0) >> 4) * 4;
  const frames: Uint8Array[] = [];
  for (let at = payloadAt; at < frame.length; at += gsoSize) {
    const end = Math.min(at + gsoSize, frame.length);
    const part = new Uint8Array(payloadAt + end - at);
    part.set(frame.subarray(0, payloadAt));
    part.set(frame.subarray(at, end), payloadAt);
    setU32(part, tcp + 4, (u32(frame, tcp + 4) + at - payloadAt) >>> 0);
    if (end !== frame.length) part[tcp + 13] = (part[tcp + 13] ?? 0) & ~0x09; // FIN and PSH on the last only
    fitIp(part);
    fillTcpChecksum(part);
    frames.push(part);
  }
  return frames;
}
