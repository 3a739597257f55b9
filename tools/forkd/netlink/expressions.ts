// What rules of nftables are made of (linux/netfilter/nf_tables.h). Each expression works on registers of four bytes; the first that
// fails ends its rule, and the next rule begins. Numbers of attributes are in network order; what packets are compared with stands
// in registers as in the packet, marks and interface indices in host order.
import { attribute, be32Attribute, nested, textAttribute, u32 } from "./message.ts";

const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const NFTA_VERDICT_CODE = 1;
const NFTA_VERDICT_CHAIN = 2;
const NFT_REG_VERDICT = 0;
const NFT_REG32_00 = 8;
const NFT_GOTO = -4;
const NF_DROP = 0;
const NF_ACCEPT = 1;
const NFT_DYNSET_OP_ADD = 0;
const NFT_EXTHDR_F_PRESENT = 1;

/** Where in a frame a load begins. */
export const LINK_HEADER = 0;
export const NETWORK_HEADER = 1;
export const TRANSPORT_HEADER = 2;

/** Keys of meta(). */
export const META_PROTOCOL = 1;
export const META_L4PROTO = 16;

/** How compare() compares; AT_MOST byte by byte from the first. */
export const EQUAL = 0;
export const NOT_EQUAL = 1;
export const AT_MOST = 3;

/** An encoded expression. */
export type Expression = Buffer;
/** A register of four bytes, from 0 to 15; longer values go on in those behind it. */
export type Register = number;

function expression(name: string, ...attributes: readonly Buffer[]): Expression {
  return nested(NFTA_LIST_ELEM, textAttribute(NFTA_EXPR_NAME, name), nested(NFTA_EXPR_DATA, ...attributes));
}

function register(type: number, number: Register): Buffer {
  return be32Attribute(type, NFT_REG32_00 + number);
}

/** Loads bytes of the frame; fails where it has none, and behind the network header in later fragments. */
export function load(to: Register, base: number, offset: number, length: number): Expression {
  const [dreg, from] = [register(1, to), be32Attribute(2, base)];
  return expression("payload", dreg, from, be32Attribute(3, offset), be32Attribute(4, length));
}

/** Goes on when the IPv6 header has this extension header behind it. */
export function hasExtension(scratch: Register, header: number): Expression[] {
  const what = [attribute(2, Uint8Array.of(header)), be32Attribute(3, 0), be32Attribute(4, 1)];
  const present = expression("exthdr", register(1, scratch), ...what, be32Attribute(5, NFT_EXTHDR_F_PRESENT));
  return [present, compare(scratch, EQUAL, Uint8Array.of(1))];
}

/** Loads what the kernel knows of the frame, META_*. */
export function meta(to: Register, key: number): Expression {
  return expression("meta", register(1, to), be32Attribute(2, key));
}

/** Goes on when a register compares (EQUAL, …) with `value`. */
export function compare(from: Register, operator: number, value: Uint8Array): Expression {
  const data = nested(3, attribute(NFTA_DATA_VALUE, value));
  return expression("cmp", register(1, from), be32Attribute(2, operator), data);
}

/** Keeps the bits of a register that are set in `mask`. */
export function and(at: Register, mask: Uint8Array): Expression {
  const [length, nothing] = [be32Attribute(3, mask.length), new Uint8Array(mask.length)];
  const maskData = nested(4, attribute(NFTA_DATA_VALUE, mask));
  const xorData = nested(5, attribute(NFTA_DATA_VALUE, nothing));
  return expression("bitwise", register(1, at), register(2, at), length, maskData, xorData);
}

/** Loads a number in host order. */
export function constant(to: Register, value: number): Expression {
  return expression("immediate", register(1, to), nested(2, attribute(NFTA_DATA_VALUE, u32(value))));
}

/** Looks a key up in a map; fails without an element. */
export function lookup(map: string, key: Register, to: Register): Expression {
  return expression("lookup", textAttribute(1, map), register(2, key), register(3, to));
}

/** Goes on when a set has the key. */
export function isIn(set: string, key: Register): Expression {
  return expression("lookup", textAttribute(1, set), register(2, key));
}

/** Jenkins' hash of `length` bytes, scaled to 0 … modulus - 1. */
export function hash(to: Register, from: Register, length: number, modulus: number, seed: number): Expression {
  const what = [be32Attribute(3, length), be32Attribute(4, modulus), be32Attribute(5, seed)];
  return expression("hash", register(1, from), register(2, to), ...what);
}

/** Adds an element to a map that has room for it, or lets it be as it is. */
export function learn(map: string, key: Register, data: Register): Expression {
  const operation = be32Attribute(3, NFT_DYNSET_OP_ADD);
  return expression("dynset", textAttribute(1, map), operation, register(4, key), register(5, data));
}

/** Sends the frame out of the interface whose index is in a register, and ends. */
export function forward(interfaceIndex: Register): Expression {
  return expression("fwd", register(1, interfaceIndex));
}

/** Sends a copy of the frame out of an interface, and goes on. */
export function duplicate(interfaceIndex: Register): Expression {
  return expression("dup", register(2, interfaceIndex));
}

/** Goes on in another chain, for good. */
export function goTo(chain: string): Expression {
  return verdict(NFT_GOTO, textAttribute(NFTA_VERDICT_CHAIN, chain));
}

/** Lets the frame go on its way. */
export function accept(): Expression {
  return verdict(NF_ACCEPT);
}

/** Ends the frame's way. */
export function drop(): Expression {
  return verdict(NF_DROP);
}

function verdict(code: number, ...chain: readonly Buffer[]): Expression {
  const data = nested(NFTA_DATA_VERDICT, be32Attribute(NFTA_VERDICT_CODE, code), ...chain);
  return expression("immediate", be32Attribute(1, NFT_REG_VERDICT), nested(2, data));
}
