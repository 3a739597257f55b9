// A xenstored for tests of its client: a tree of values behind a socket, with transactions that fail when another change comes between, answers that
// have an end (XENSTORE_PAYLOAD_MAX) and lists of children in parts, as Xen's tools/xenstore/xenstored_core.c has them.
import { createServer, type Server, type Socket } from "node:net";

const HEADER_SIZE = 16;
const [XS_DIRECTORY, XS_READ, XS_WATCH, XS_UNWATCH, XS_START, XS_END] = [1, 2, 4, 5, 6, 7] as const;
const [XS_WRITE, XS_RM, XS_SET_PERMS, XS_WATCH_EVENT, XS_ERROR] = [11, 13, 14, 15, 16] as const;
const XS_DIRECTORY_PART = 22;
const PAYLOAD_MAX = 4096;

/** A request as it has come. */
export interface Request {
  readonly type: number;
  readonly transaction: number;
  readonly words: readonly string[];
}

interface Transaction {
  readonly nodes: Map<string, string>;
  /** How many changes there had been when it began. */
  readonly changes: number;
  /** The nodes that it changes. */
  readonly changed: string[];
}

interface Answer {
  readonly value: string;
  readonly error?: string;
}

/** Answers one client; what it does can be looked at. */
export class FakeXenstored {
  readonly requests: Request[] = [];
  /** How many pieces the requests came in. */
  pieces = 0;
  readonly watches = new Set<string>();
  nodes = new Map<string, string>();
  /** Told of each request before it is answered. */
  onRequest: (request: Request) => void = () => undefined;
  #changes = 0;
  /** The number of the change that a node was last part of; 0 of one that is not here. */
  readonly #generations = new Map<string, number>();
  #lastTransaction = 0;
  readonly #transactions = new Map<number, Transaction>();
  readonly #sockets: Socket[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.push(socket);
      let pending: Buffer = Buffer.alloc(0);
      socket.on("error", () => undefined);
      socket.on("data", (bytes: Buffer) => (pending = this.#take(socket, Buffer.concat([pending, bytes]))));
    });
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve) => void this.#server.listen(path, resolve));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  /** Somebody else writes a node. */
  change(path: string, value: string): void {
    this.#changed(this.#put(this.nodes, path, value));
    for (const watch of this.watches) if (path.startsWith(watch)) this.#event(path, watch);
  }

  /** Somebody else removes a node. */
  remove(path: string): void {
    this.#changed(removed(this.nodes, path));
    for (const watch of this.watches) if (path.startsWith(watch)) this.#event(path, watch);
  }

  /** Writes a node: the nodes that are changed by it, parents that have a new child among them. */
  #put(nodes: Map<string, string>, path: string, value: string): string[] {
    const changed = [path];
    for (let at = path; at.includes("/") && !exists(nodes, at);) changed.push((at = at.slice(0, at.lastIndexOf("/"))));
    nodes.set(path, value);
    return changed;
  }

  #changed(paths: readonly string[]): void {
    this.#changes++;
    for (const path of paths) this.#generations.set(path, this.#changes);
  }

  #event(path: string, watch: string): void {
    const payload = `${path}\0${watch}\0`;
    for (const socket of this.#sockets) socket.write(message(XS_WATCH_EVENT, 0, payload));
  }

  /** Answers requests; what remains is the beginning of one. */
  #take(socket: Socket, bytes: Buffer): Buffer {
    this.pieces++;
    let at = 0;
    while (bytes.length - at >= HEADER_SIZE) {
      const end = at + HEADER_SIZE + bytes.readUInt32LE(at + 12);
      if (end > bytes.length) break;
      const [type, id, transaction] = [0, 4, 8].map((offset) => bytes.readUInt32LE(at + offset));
      const payload = bytes.toString("latin1", at + HEADER_SIZE, end);
      at = end;
      const request = { type: type ?? 0, transaction: transaction ?? 0, words: payload.split("\0") };
      this.requests.push(request);
      this.onRequest(request);
      const answer = this.#answer(request);
      socket.write(
        message(answer.error === undefined ? request.type : XS_ERROR, id ?? 0, answer.error ?? answer.value),
      );
      if (request.type === XS_WATCH) this.#event(request.words[0] ?? "", request.words[1] ?? "");
    }
    return bytes.subarray(at);
  }

  #answer(request: Request): Answer {
    const answer = this.#handle(request);
    return answer.value.length > PAYLOAD_MAX ? { value: "", error: "E2BIG\0" } : answer;
  }

  #handle({ type, transaction: number, words: [path = "", value = ""] }: Request): Answer {
    const transaction = this.#transactions.get(number);
    const nodes = transaction?.nodes ?? this.nodes;
    const changed = (paths: readonly string[]): void =>
      transaction === undefined ? this.#changed(paths) : void transaction.changed.push(...paths);
    const below = atOrBelow(nodes, path);
    const needed = [XS_DIRECTORY, XS_DIRECTORY_PART, XS_READ, XS_RM];
    if (below.length === 0 && needed.some((needs) => needs === type)) return { value: "", error: "ENOENT\0" };
    switch (type) {
      case XS_READ:
        return { value: nodes.get(path) ?? "" };
      case XS_DIRECTORY:
        return { value: children(path, below).join("") };
      case XS_DIRECTORY_PART:
        return { value: part(this.#generations.get(path) ?? 0, children(path, below), Number.parseInt(value, 10)) };
      case XS_WRITE:
        changed(this.#put(nodes, path, value));
        break;
      case XS_RM:
        changed(removed(nodes, path));
        break;
      case XS_WATCH:
        this.watches.add(path);
        return { value: "OK\0" };
      case XS_UNWATCH:
        this.watches.delete(path);
        return { value: "OK\0" };
      case XS_START:
        this.#transactions.set(++this.#lastTransaction, {
          nodes: new Map(this.nodes),
          changes: this.#changes,
          changed: [],
        });
        return { value: `${this.#lastTransaction}\0` };
      case XS_END:
        return this.#end(number, path === "T");
      case XS_SET_PERMS:
        changed([path]);
        break;
      default:
        return { value: "", error: "ENOSYS\0" };
    }
    return { value: "OK\0" };
  }

  #end(number: number, commits: boolean): Answer {
    const transaction = this.#transactions.get(number);
    this.#transactions.delete(number);
    if (transaction === undefined) return { value: "", error: "ENOENT\0" };
    if (!commits) return { value: "OK\0" };
    if (transaction.changes !== this.#changes) return { value: "", error: "EAGAIN\0" };
    this.nodes = transaction.nodes;
    this.#changed(transaction.changed);
    return { value: "OK\0" };
  }
}

/** Whether there is a node: one with a value, or one above it. */
function exists(nodes: ReadonlyMap<string, string>, path: string): boolean {
  return nodes.has(path) || atOrBelow(nodes, path).length > 0;
}

function atOrBelow(nodes: ReadonlyMap<string, string>, path: string): string[] {
  const prefix = `${path}/`;
  return [...nodes.keys()].filter((node) => node === path || node.startsWith(prefix));
}

/** Removes a node and what is below: the nodes that are changed by it. */
function removed(nodes: Map<string, string>, path: string): string[] {
  for (const node of atOrBelow(nodes, path)) nodes.delete(node);
  return [path, path.slice(0, path.lastIndexOf("/"))];
}

/** The names of a node's children, each with its NUL, of the paths that are at it and below. */
function children(path: string, below: readonly string[]): string[] {
  const names = below.filter((node) => node !== path).map((node) => node.slice(path.length + 1).split("/")[0]);
  return [...new Set(names)].map((name) => `${name}\0`);
}

/** As many whole names from a byte on as fit behind the generation, and an empty one when they are the last ones. */
function part(generation: number, names: readonly string[], offset: number): string {
  const head = `${generation}\0`;
  const all = names.join("");
  if (offset >= all.length) return `${head}\0`;
  const some = all.slice(offset, offset + PAYLOAD_MAX - head.length - 1);
  const whole = some.slice(0, some.lastIndexOf("\0") + 1);
  return head + whole + (offset + whole.length === all.length ? "\0" : "");
}

function message(type: number, id: number, payload: string): Buffer {
  const bytes = Buffer.alloc(HEADER_SIZE + payload.length);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(id, 4);
  bytes.writeUInt32LE(payload.length, 12);
  bytes.write(payload, HEADER_SIZE, "latin1");
  return bytes;
}
