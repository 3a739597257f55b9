// DNS messages made and read by hand after RFC 1035, independently of the code under test.
import { u16, u32 } from "../net/frames.ts";

export const A = 1;
export const NS = 2;
export const CNAME = 5;
export const SOA = 6;
export const AAAA = 28;
export const OPT = 41;
export const IN = 1;

export const NOERROR = 0;
export const FORMERR = 1;
export const SERVFAIL = 2;
export const NXDOMAIN = 3;
export const REFUSED = 5;

export interface Query {
  readonly id: number;
  readonly flags: number;
  /** As it was sent, capitals included. */
  readonly name: string;
  readonly type: number;
  /** The question as it stands in the message. */
  readonly question: Buffer;
  /** The size of EDNS, 0 without. */
  readonly size: number;
}

export interface ResourceRecord {
  readonly name: string | Buffer;
  readonly type: number;
  readonly class?: number;
  readonly seconds?: number;
  readonly data: Uint8Array;
}

/** A name in wire form; "" is the root. */
export function wireName(name: string): Buffer {
  const labels = name === "" ? [] : name.split(".");
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")])),
    Buffer.from([0]),
  ]);
}

/** A compression pointer. */
export function pointer(at: number): Buffer {
  return u16(0xc000 | at);
}

export function parseQuery(message: Buffer): Query {
  let at = 12;
  const labels: string[] = [];
  for (let size = message.readUInt8(at); size !== 0; size = message.readUInt8(at)) {
    if (size > 63) throw new Error("a query has no compressed names");
    labels.push(message.toString("latin1", at + 1, at + 1 + size));
    at += 1 + size;
  }
  const counts = [4, 6, 8, 10].map((position) => message.readUInt16BE(position));
  const extended = counts[3] === 1;
  if (counts[0] !== 1 || counts[1] !== 0 || counts[2] !== 0 || message.readUInt16BE(at + 3) !== IN) {
    throw new Error("not a query with one question");
  }
  if (message.length !== at + 5 + (extended ? 11 : 0)) throw new Error("bytes are left behind the query");
  if (extended && (message.readUInt8(at + 5) !== 0 || message.readUInt16BE(at + 6) !== OPT)) throw new Error("no OPT");
  return {
    id: message.readUInt16BE(0),
    flags: message.readUInt16BE(2),
    name: labels.join("."),
    type: message.readUInt16BE(at + 1),
    question: message.subarray(12, at + 5),
    size: extended ? message.readUInt16BE(at + 8) : 0,
  };
}

export function record({ name, type, class: kind = IN, seconds = 300, data }: ResourceRecord): Buffer {
  const owner = typeof name === "string" ? wireName(name) : name;
  return Buffer.concat([owner, u16(type), u16(kind), u32(seconds), u16(data.length), data]);
}

export function a(name: string | Buffer, address: string, seconds = 300): Buffer {
  return record({ name, type: A, seconds, data: Buffer.from(address.split(".").map(Number)) });
}

export function cname(name: string, target: string | Buffer, seconds = 300): Buffer {
  return record({ name, type: CNAME, seconds, data: typeof target === "string" ? wireName(target) : target });
}

/** The SOA record of a zone whose negative answers hold for `minimum` seconds. */
export function soa(name: string, minimum: number, seconds = 3600): Buffer {
  const numbers = [1, 7200, 900, 86400, minimum].map((value) => u32(value));
  return record({ name, type: SOA, seconds, data: Buffer.concat([wireName("ns"), wireName("root"), ...numbers]) });
}

export interface Sections {
  readonly code?: number;
  readonly answers?: readonly Buffer[];
  readonly authority?: readonly Buffer[];
  readonly additional?: readonly Buffer[];
  readonly truncated?: boolean;
  /** In place of the query's. */
  readonly id?: number;
  readonly question?: Buffer;
}

/** A response to `query`. */
export function response(query: Query, sections: Sections = {}): Buffer {
  const { code = NOERROR, answers = [], authority = [], additional = [], truncated = false } = sections;
  const flags = 0x8180 | code | (truncated ? 0x0200 : 0);
  const counts = [1, answers.length, authority.length, additional.length].map((count) => u16(count));
  const header = [u16(sections.id ?? query.id), u16(flags), ...counts];
  return Buffer.concat([...header, sections.question ?? query.question, ...answers, ...authority, ...additional]);
}
