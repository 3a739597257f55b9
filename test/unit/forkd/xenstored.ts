// A xenstored for tests of its client: a tree of values behind a socket, with transactions that fail when another change comes between.
import { createServer, type Server, type Socket } from "node:net";

const HEADER_SIZE = 16;
const [XS_DIRECTORY, XS_READ, XS_WATCH, XS_UNWATCH, XS_START, XS_END] = [1, 2, 4, 5, 6, 7] as const;
const [XS_WRITE, XS_RM, XS_SET_PERMS, XS_WATCH_EVENT, XS_ERROR] = [11, 13, 14, 15, 16] as const;

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
}

/** Answers one client; what it does can be looked at. */
export class FakeXenstored {
  readonly requests: Request[] = [];
  /** How many pieces the requests came in. */
  pieces = 0;
  readonly watches = new Set<string>();
  nodes = new Map<string, string>();
  #changes = 0;
  #lastTransaction = 0;
  readonly #transactions = new Map<number, Transaction>();
  readonly #sockets: Socket[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.push(socket);
      socket.on("error", () => undefined).on("data", (bytes: Buffer) => this.#take(socket, bytes));
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
    this.nodes.set(path, value);
    this.#changes++;
    for (const watch of this.watches) if (path.startsWith(watch)) this.#event(path, watch);
  }

  #event(path: string, watch: string): void {
    const payload = `${path}\0${watch}\0`;
    for (const socket of this.#sockets) socket.write(message(XS_WATCH_EVENT, 0, payload));
  }

  #take(socket: Socket, bytes: Buffer): void {
    this.pieces++;
    for (let at = 0; at < bytes.length;) {
      const [type, id, transaction, length] = [0, 4, 8, 12].map((offset) => bytes.readUInt32LE(at + offset));
      const payload = bytes.toString("latin1", at + HEADER_SIZE, at + HEADER_SIZE + (length ?? 0));
      at += HEADER_SIZE + (length ?? 0);
      const request = { type: type ?? 0, transaction: transaction ?? 0, words: payload.split("\0") };
      this.requests.push(request);
      const answer = this.#answer(request);
      socket.write(
        message(answer.error === undefined ? request.type : XS_ERROR, id ?? 0, answer.error ?? answer.value),
      );
      if (request.type === XS_WATCH) this.#event(request.words[0] ?? "", request.words[1] ?? "");
    }
  }

  #answer({ type, transaction, words: [path = "", value = ""] }: Request): { value: string; error?: string } {
    const nodes = this.#transactions.get(transaction)?.nodes ?? this.nodes;
    const below = [...nodes.keys()].filter((node) => node === path || node.startsWith(`${path}/`));
    const missing = below.length === 0 && [XS_DIRECTORY, XS_READ, XS_RM].some((needs) => needs === type);
    if (missing) return { value: "", error: "ENOENT\0" };
    switch (type) {
      case XS_READ:
        return { value: nodes.get(path) ?? "" };
      case XS_DIRECTORY: {
        const names = below.filter((node) => node !== path).map((node) => node.slice(path.length + 1).split("/")[0]);
        return { value: [...new Set(names)].map((name) => `${name}\0`).join("") };
      }
      case XS_WRITE:
        nodes.set(path, value);
        break;
      case XS_RM:
        for (const node of below) nodes.delete(node);
        break;
      case XS_WATCH:
        this.watches.add(path);
        return { value: "OK\0" };
      case XS_UNWATCH:
        this.watches.delete(path);
        return { value: "OK\0" };
      case XS_START:
        this.#transactions.set(++this.#lastTransaction, { nodes: new Map(this.nodes), changes: this.#changes });
        return { value: `${this.#lastTransaction}\0` };
      case XS_END:
        return this.#end(transaction, path === "T");
      case XS_SET_PERMS:
        return { value: "OK\0" };
      default:
        return { value: "", error: "ENOSYS\0" };
    }
    if (transaction === 0) this.#changes++;
    return { value: "OK\0" };
  }

  #end(number: number, commits: boolean): { value: string; error?: string } {
    const transaction = this.#transactions.get(number);
    this.#transactions.delete(number);
    if (transaction === undefined) return { value: "", error: "ENOENT\0" };
    if (!commits) return { value: "OK\0" };
    if (transaction.changes !== this.#changes) return { value: "", error: "EAGAIN\0" };
    this.nodes = transaction.nodes;
    this.#changes++;
    return { value: "OK\0" };
  }
}

function message(type: number, id: number, payload: string): Buffer {
  const bytes = Buffer.alloc(HEADER_SIZE + payload.length);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(id, 4);
  bytes.writeUInt32LE(payload.length, 12);
  bytes.write(payload, HEADER_SIZE, "latin1");
  return bytes;
}
