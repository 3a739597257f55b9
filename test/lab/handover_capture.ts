// What a capture of hand-overs shows: who sends for the family, and what was sent twice.
import { etherType, parseIpv4 } from "../unit/net/frames.ts";

const IPV4 = 0x0800;
const TCP = 6;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;

/** A segment with text, of those that were sent before. */
export interface Repeated {
  /** "<source port> > <destination port>", and whether the family sent it. */
  readonly flow: string;
  readonly byFamily: boolean;
  readonly sequence: number;
  /** Since the first time, in ms. */
  readonly after: number;
  /** When it was sent first, in ms since the family first sent text in the flow; undefined when it had not. */
  readonly at: number | undefined;
}

/** What there was to see. */
export interface Seen {
  readonly segments: number;
  readonly macs: ReadonlySet<string>;
  readonly repeated: readonly Repeated[];
  readonly resets: number;
}

/** Looks through a capture, which may hold the beginnings of frames only, for what concerns `address`. */
export function look(file: Buffer, address: string): Seen {
  const macs = new Set<string>();
  const again: { flow: string; byFamily: boolean; sequence: number; first: number; time: number }[] = [];
  /** When the family first sent text in a flow. */
  const begun = new Map<string, number>();
  const sentAt = new Map<string, number>();
  let [segments, resets] = [0, 0];
  for (const { time, frame, length } of framesOf(file)) {
    if (etherType(frame) !== IPV4) continue;
    const packet = parseIpv4(frame);
    const [source, destination] = [26, 30].map((at) => frame.subarray(at, at + 4).join("."));
    if (packet.protocol !== TCP || (source !== address && destination !== address)) continue;
    segments += 1;
    const byFamily = source === address;
    if (byFamily) macs.add(frame.subarray(6, 12).toString("hex"));
    const segment = frame.subarray(14 + (frame.readUInt8(14) & 15) * 4);
    if ((segment.readUInt8(13) & 4) !== 0) resets += 1;
    const text = length - (frame.length - segment.length) - (segment.readUInt8(12) >> 4) * 4;
    if (text <= 0 || frame.readUInt16BE(16) < text) continue;
    const flow = `${segment.readUInt16BE(0)} > ${segment.readUInt16BE(2)}`;
    const sequence = segment.readUInt32BE(4);
    const before = sentAt.get(`${flow} ${sequence}`);
    if (byFamily && !begun.has(flow)) begun.set(flow, time);
    if (before === undefined) sentAt.set(`${flow} ${sequence}`, time);
    else again.push({ flow, byFamily, sequence, first: before, time });
  }
  const repeated = again.map(({ flow, byFamily, sequence, first, time }) => {
    const begin = begun.get(byFamily ? flow : flow.split(" > ").reverse().join(" > "));
    const at = begin === undefined ? undefined : Math.round(first - begin);
    return { flow, byFamily, sequence, after: Math.round(time - first), at };
  });
  return { segments, macs, repeated, resets };
}

/** The frames of a capture, when each passed (ms), and how long it was. */
function* framesOf(
  file: Buffer,
): Generator<{ readonly time: number; readonly frame: Buffer; readonly length: number }> {
  for (let at = FILE_HEADER; at + RECORD_HEADER <= file.length;) {
    const captured = file.readUInt32LE(at + 8);
    const frame = file.subarray(at + RECORD_HEADER, at + RECORD_HEADER + captured);
    if (frame.length < captured) return;
    const time = file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1000;
    yield { time, frame, length: file.readUInt32LE(at + 12) };
    at += RECORD_HEADER + captured;
  }
}
