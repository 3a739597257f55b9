// nftables by nfnetlink (linux/netfilter/nfnetlink.h, nf_tables.h), of the family netdev only. Changes are collected in a transaction,
// which happens as a whole or not at all: no packet sees half of it.
import {
  attribute,
  be32Attribute,
  be64Attribute,
  decodeAttributes,
  findAttribute,
  nested,
  NLM_F_CREATE,
  NLM_F_EXCL,
  textAttribute,
  textOf,
  type Message,
} from "./message.ts";
import type { Expression } from "./expressions.ts";
import { NetlinkError, NetlinkSocket, type MessageFrame } from "./socket.ts";

const NETLINK_NETFILTER = 12;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NFNL_SUBSYS_NFTABLES = 10;
const NFPROTO_UNSPEC = 0;
const NFPROTO_NETDEV = 5;
const NFT_MSG_NEWTABLE = 0;
const NFT_MSG_GETTABLE = 1;
const NFT_MSG_DELTABLE = 2;
const NFT_MSG_NEWCHAIN = 3;
const NFT_MSG_DELCHAIN = 5;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_DELRULE = 8;
const NFT_MSG_NEWSET = 9;
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_GETSETELEM = 13;
const NFT_MSG_DELSETELEM = 14;
const NFT_SET_MAP = 0x8;
const NFT_SET_TIMEOUT = 0x10;
const NFT_SET_EVAL = 0x20;
const NFTA_LIST_ELEM = 1;
const NFTA_DATA_VALUE = 1;
const NFTA_SET_DESC_SIZE = 1;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_DATA = 2;
const NLM_F_APPEND = 0x800;
const HEADER_SIZE = 4;
const DEVICE_PRIORITY = 0;
const ENOENT = 2;
/** Elements of one message: an attribute is no longer than 64 KiB. */
const ELEMENTS_AT_ONCE = 512;

/** Hooks of a device: what it receives, what is sent out of it. */
export const INGRESS = 0;
export const EGRESS = 1;

/** nft's numbers of types, by which it prints elements; a key of several is made of their numbers, six bits each. */
export const TYPE_IPV4 = 7;
export const TYPE_IPV6 = 8;
export const TYPE_PORT = 13;
export const TYPE_MARK = 19;
export const TYPE_INTERFACE = 20;

/** A set, or a map where its elements have data. */
export interface SetDescription {
  readonly name: string;
  /** TYPE_* of the key's parts, and the bytes of all of them, each padded to four. */
  readonly key: readonly number[];
  readonly keyLength: number;
  /** TYPE_* of the data, which has four bytes; undefined of a set. */
  readonly data?: number;
  /** The most elements it takes. */
  readonly size?: number;
  /** Of one that packets add to: how long elements stay, in ms. */
  readonly timeout?: number;
}

/** An element of a set or map. */
export interface Element {
  readonly key: Uint8Array;
  readonly data?: Uint8Array;
}

/** Changes of one table, to be made together. */
export class Transaction {
  readonly messages: Message[] = [];
  #nextSetId = 1;

  constructor(readonly table: string) {}

  addTable(): this {
    return this.#add(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, textAttribute(1, this.table));
  }

  removeTable(): this {
    return this.#add(NFT_MSG_DELTABLE, 0, textAttribute(1, this.table));
  }

  addSet({ name, key, keyLength, data, size, timeout }: SetDescription): this {
    const flags = (data === undefined ? 0 : NFT_SET_MAP) | (timeout === undefined ? 0 : NFT_SET_TIMEOUT | NFT_SET_EVAL);
    const attributes = [
      textAttribute(1, this.table),
      textAttribute(2, name),
      be32Attribute(3, flags),
      be32Attribute(
        4,
        key.reduce((all, part) => all * 64 + part, 0),
      ),
      be32Attribute(5, keyLength),
      be32Attribute(10, this.#nextSetId++),
    ];
    if (data !== undefined) attributes.push(be32Attribute(6, data), be32Attribute(7, 4));
    if (size !== undefined) attributes.push(nested(9, be32Attribute(NFTA_SET_DESC_SIZE, size)));
    if (timeout !== undefined) attributes.push(be64Attribute(11, timeout));
    return this.#add(NFT_MSG_NEWSET, NLM_F_CREATE, ...attributes);
  }

  /** A chain that others go to. */
  addChain(name: string): this {
    return this.#add(NFT_MSG_NEWCHAIN, NLM_F_CREATE, textAttribute(1, this.table), textAttribute(3, name));
  }

  /** A chain that frames of a device begin in, INGRESS or EGRESS; what it does not decide is dropped. It goes with the device. */
  addDeviceChain(name: string, hook: number, device: string): this {
    const where = [be32Attribute(1, hook), be32Attribute(2, DEVICE_PRIORITY), textAttribute(3, device)];
    const attributes = [textAttribute(3, name), nested(4, ...where), be32Attribute(5, 0), textAttribute(7, "filter")];
    return this.#add(NFT_MSG_NEWCHAIN, NLM_F_CREATE, textAttribute(1, this.table), ...attributes);
  }

  removeChain(name: string): this {
    return this.#add(NFT_MSG_DELCHAIN, 0, textAttribute(1, this.table), textAttribute(3, name));
  }

  /** Removes all rules of a chain. */
  emptyChain(name: string): this {
    return this.#add(NFT_MSG_DELRULE, 0, textAttribute(1, this.table), textAttribute(2, name));
  }

  /** Puts a rule at the end of a chain. */
  addRule(chain: string, ...expressions: readonly Expression[]): this {
    const attributes = [textAttribute(1, this.table), textAttribute(2, chain), nested(4, ...expressions)];
    return this.#add(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, ...attributes);
  }

  /** Adds elements, which may be there with the same data, but not with others. */
  addElements(set: string, elements: readonly Element[]): this {
    return this.#elements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, set, elements);
  }

  /** Removes elements, which must be there. */
  removeElements(set: string, elements: readonly Element[]): this {
    return this.#elements(NFT_MSG_DELSETELEM, 0, set, elements);
  }

  /** Removes all elements of a set. */
  emptySet(set: string): this {
    return this.#add(NFT_MSG_DELSETELEM, 0, textAttribute(1, this.table), textAttribute(2, set));
  }

  #elements(type: number, flags: number, set: string, elements: readonly Element[]): this {
    for (let at = 0; at < elements.length; at += ELEMENTS_AT_ONCE) {
      const list = elements.slice(at, at + ELEMENTS_AT_ONCE).map(encodeElement);
      const attributes = [textAttribute(1, this.table), textAttribute(2, set)];
      this.#add(type, flags, ...attributes, nested(NFTA_SET_ELEM_LIST_ELEMENTS, ...list));
    }
    return this;
  }

  #add(type: number, flags: number, ...attributes: readonly Buffer[]): this {
    this.messages.push(tableMessage(type, flags, ...attributes));
    return this;
  }
}

/** The kernel's tables. Methods throw NetlinkError NETLINK_REFUSED. */
export class Tables {
  readonly #socket = new NetlinkSocket(NETLINK_NETFILTER);

  /** @param what what it is to do, for the error */
  commit(what: string, { messages }: Transaction): void {
    if (messages.length > 0) this.#socket.requestAll(what, messages, batchFrame());
  }

  /** The names of all tables of the family netdev. */
  names(): string[] {
    const found = this.#socket.dump("list tables of nftables", tableMessage(NFT_MSG_GETTABLE, 0));
    return found.map((body) => textOf(findAttribute(body.subarray(HEADER_SIZE), 1) ?? Buffer.alloc(0)));
  }

  /** The elements of a set; undefined without such a set or table. */
  elements(table: string, set: string): Element[] | undefined {
    const message = tableMessage(NFT_MSG_GETSETELEM, 0, textAttribute(1, table), textAttribute(2, set));
    try {
      return this.#socket.dump(`list ${set} of table ${table}`, message).flatMap(decodeElements);
    } catch (error) {
      if (error instanceof NetlinkError && error.errno === ENOENT) return undefined;
      throw error;
    }
  }

  /** Removes a table with all that is in it, if it is there. */
  remove(table: string): void {
    if (this.names().includes(table)) this.commit(`remove table ${table}`, new Transaction(table).removeTable());
  }

  close(): void {
    this.#socket.close();
  }
}

/** The messages that stand around those of a transaction. */
function batchFrame(): MessageFrame {
  const message = (type: number): Message => ({
    type,
    flags: 1,
    body: netfilterHeader(NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES),
  });
  return { begin: message(NFNL_MSG_BATCH_BEGIN), end: message(NFNL_MSG_BATCH_END) };
}

function tableMessage(type: number, flags: number, ...attributes: readonly Buffer[]): Message {
  const body = Buffer.concat([netfilterHeader(NFPROTO_NETDEV, 0), ...attributes]);
  return { type: (NFNL_SUBSYS_NFTABLES << 8) | type, flags, body };
}

/** struct nfgenmsg. */
function netfilterHeader(family: number, resource: number): Buffer {
  const header = Buffer.alloc(HEADER_SIZE);
  header.writeUInt8(family, 0);
  header.writeUInt16BE(resource, 2);
  return header;
}

function encodeElement({ key, data }: Element): Buffer {
  const parts = [nested(NFTA_SET_ELEM_KEY, attribute(NFTA_DATA_VALUE, key))];
  if (data !== undefined) parts.push(nested(NFTA_SET_ELEM_DATA, attribute(NFTA_DATA_VALUE, data)));
  return nested(NFTA_LIST_ELEM, ...parts);
}

/** Exported for its test. */
export function decodeElements(body: Buffer): Element[] {
  const list = findAttribute(body.subarray(HEADER_SIZE), NFTA_SET_ELEM_LIST_ELEMENTS) ?? Buffer.alloc(0);
  const value = (element: Buffer, type: number): Buffer | undefined => {
    const found = findAttribute(element, type);
    return found === undefined ? undefined : findAttribute(found, NFTA_DATA_VALUE);
  };
  return [...decodeAttributes(list)].flatMap(([, element]) => {
    const [key, data] = [value(element, NFTA_SET_ELEM_KEY), value(element, NFTA_SET_ELEM_DATA)];
    if (key === undefined) return [];
    return [data === undefined ? { key } : { key, data }];
  });
}
