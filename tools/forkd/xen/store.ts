// xenstore, spoken over xenstored's own socket (xen/io/xs_wire.h), so that Node waits for its answers and watches like
// for any other socket. Requests may be sent without waiting for the answers of earlier ones: those of one turn of Node's loop
// go to xenstored together.
import { connect, type Socket } from "node:net";
import { KaryonError } from "../../support/errors.ts";
import { directoryByParts } from "./directory.ts";

const XS_DIRECTORY = 1;
const XS_READ = 2;
const XS_WATCH = 4;
const XS_UNWATCH = 5;
const XS_TRANSACTION_START = 6;
const XS_TRANSACTION_END = 7;
const XS_INTRODUCE = 8;
const XS_RELEASE = 9;
const XS_WRITE = 11;
const XS_RM = 13;
const XS_SET_PERMS = 14;
const XS_WATCH_EVENT = 15;
const XS_ERROR = 16;
const XS_DIRECTORY_PART = 22;
const HEADER_SIZE = 16;
const SOCKET = "/run/xenstored/socket";
const TRANSACTION_ATTEMPTS = 20;
/** Longest silence of xenstored while something is asked; then it counts as gone. */
const PATIENCE_MS = 30_000;

interface Waiting {
  readonly resolve: (payload: string) => void;
  readonly reject: (error: Error) => void;
  /** Called when the answer comes, before the next message is looked at: whoever awaits it sees it later. */
  readonly answered: (() => void) | undefined;
  readonly type: number;
  readonly payload: string;
}

/** A connection to xenstored. */
export class Store {
  readonly #waiting = new Map<number, Waiting>();
  readonly #watches = new Map<string, (path: string) => void>();
  #pending: Buffer = Buffer.alloc(0);
  /** Requests of this turn of Node's loop. */
  readonly #outgoing: Buffer[] = [];
  #lastRequest = 0;
  /** The end of the changes of the tree that are made or wait: a transaction fails when the list of children of a node changes under it. */
  #changes: Promise<unknown> = Promise.resolve();

  #silence: NodeJS.Timeout | undefined;
  #why = "xenstored has closed the connection";

  private constructor(
    private readonly socket: Socket,
    private readonly patience: number,
  ) {
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("error", ({ message }) => (this.#why = `the connection to xenstored has failed: ${message}`));
    socket.on("close", () => this.#failAll());
  }

  /**
   * @param path xenstored's socket
   * @param patience longest silence, in ms, before xenstored counts as gone
   * @throws KaryonError XENSTORE
   */
  static open(path: string = SOCKET, patience: number = PATIENCE_MS): Promise<Store> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      const mend = "forkd needs xenstored running in domain 0";
      const failed = (cause: Error): void =>
        reject(new KaryonError("XENSTORE", `cannot connect to ${path}: ${cause.message}`, mend, { cause }));
      socket.once("error", failed);
      socket.once("connect", () => {
        socket.off("error", failed);
        resolve(new Store(socket, patience));
      });
    });
  }

  /** Hears when xenstored has gone, and why. */
  onClose(listener: (why: KaryonError) => void): void {
    this.socket.on("close", () => listener(new KaryonError("XENSTORE", this.#why)));
  }

  /** Calls `listener` with the path whenever something at or below `path` changes, and once now. */
  async watch(path: string, listener: (path: string) => void): Promise<void> {
    this.#watches.set(path, listener);
    await this.#request(XS_WATCH, 0, `${path}\0${path}\0`);
  }

  /** Ends a watch; its listener is not called any more. */
  async unwatch(path: string): Promise<void> {
    if (this.#watches.delete(path)) await this.#request(XS_UNWATCH, 0, `${path}\0${path}\0`);
  }

  /**
   * A node's value; undefined when there is no such node.
   *
   * @param answered is called as soon as the answer is there, before any listener hears of what has changed since
   */
  async read(path: string, answered?: () => void): Promise<string | undefined> {
    return unless("ENOENT", this.#request(XS_READ, 0, `${path}\0`, answered));
  }

  /** The names of a node's children; none when there is no such node. */
  async directory(path: string): Promise<string[]> {
    return (await unless("ENOENT", this.#children(path))) ?? [];
  }

  async #children(path: string): Promise<string[]> {
    const names = await unless("E2BIG", this.#request(XS_DIRECTORY, 0, `${path}\0`));
    if (names !== undefined) return names.split("\0").filter((name) => name !== "");
    return directoryByParts(path, (offset) => this.#request(XS_DIRECTORY_PART, 0, `${path}\0${offset}\0`));
  }

  async write(path: string, value: string): Promise<void> {
    await this.#request(XS_WRITE, 0, `${path}\0${value}`);
  }

  /** Removes a node and everything below; a missing one is fine. */
  async remove(path: string): Promise<void> {
    await this.#inTurn(() => unless("ENOENT", this.#request(XS_RM, 0, `${path}\0`)));
  }

  /** Removes a node that has no children. */
  async removeEmpty(path: string): Promise<void> {
    await this.#transaction(async (transaction) => {
      const listed = unless("ENOENT", this.#request(XS_DIRECTORY, transaction, `${path}\0`));
      const names = await unless("E2BIG", listed);
      if (names === "") await this.#request(XS_RM, transaction, `${path}\0`);
    });
  }

  /** Writes nodes in one transaction, with the permissions some have ("n0", "r7"). */
  async writeAll(nodes: readonly StoreNode[]): Promise<void> {
    await this.#transaction(async (transaction) => {
      const requests = nodes.flatMap(({ path, value, permissions }) => {
        const written = this.#request(XS_WRITE, transaction, `${path}\0${value}`);
        if (permissions === undefined) return [written];
        const list = permissions.map((permission) => `${permission}\0`).join("");
        return [written, this.#request(XS_SET_PERMS, transaction, `${path}\0${list}`)];
      });
      const refused = (await Promise.allSettled(requests)).find((result) => result.status === "rejected");
      if (refused !== undefined) throw refused.reason;
    });
  }

  /** Does `work`, whose requests carry the transaction's number, and all of it or nothing; again when others have changed something under it. */
  async #transaction(work: (transaction: number) => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#inTurn(() => this.#attempt(work));
      } catch (error) {
        if (!isStoreError(error, "EAGAIN") || attempt === TRANSACTION_ATTEMPTS) throw error;
      }
    }
  }

  async #attempt(work: (transaction: number) => Promise<void>): Promise<void> {
    const transaction = Number.parseInt(await this.#request(XS_TRANSACTION_START, 0, "\0"), 10);
    try {
      await work(transaction);
    } catch (error) {
      await this.#request(XS_TRANSACTION_END, transaction, "F\0");
      throw error;
    }
    await this.#request(XS_TRANSACTION_END, transaction, "T\0");
  }

  /** Makes a change of the tree when those before it have been made. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const made = this.#changes.then(change);
    this.#changes = made.catch(() => undefined);
    return made;
  }

  /** Tells xenstored of a new domain and its ring. */
  async introduce(domain: number, frame: number, port: number): Promise<void> {
    await this.#request(XS_INTRODUCE, 0, `${domain}\0${frame}\0${port}\0`);
  }

  /** Tells xenstored that a domain has gone. */
  async release(domain: number): Promise<void> {
    await this.#request(XS_RELEASE, 0, `${domain}\0`);
  }

  /** Lets go of xenstored; what is still asked is answered to nobody. */
  close(): void {
    this.#waiting.clear();
    this.socket.destroy();
  }

  #request(type: number, transaction: number, payload: string, answered?: () => void): Promise<string> {
    const id = (this.#lastRequest = (this.#lastRequest + 1) >>> 0);
    const message = Buffer.allocUnsafe(HEADER_SIZE + payload.length);
    message.writeUInt32LE(type, 0);
    message.writeUInt32LE(id, 4);
    message.writeUInt32LE(transaction, 8);
    message.writeUInt32LE(message.write(payload, HEADER_SIZE, "latin1"), 12);
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) return reject(new KaryonError("XENSTORE", this.#why));
      this.#waiting.set(id, { resolve, reject, answered, type, payload });
      this.#silence ??= setTimeout(() => this.#giveUp(), this.patience).unref();
      if (this.#outgoing.push(message) === 1) process.nextTick(() => this.#send());
    });
  }

  #send(): void {
    this.socket.write(Buffer.concat(this.#outgoing.splice(0)));
  }

  #giveUp(): void {
    this.#why = `xenstored has not answered for ${this.patience / 1000} s`;
    this.socket.destroy();
  }

  #failAll(): void {
    clearTimeout(this.#silence);
    for (const { reject } of this.#waiting.values()) reject(new KaryonError("XENSTORE", this.#why));
    this.#waiting.clear();
  }

  #take(bytes: Buffer): void {
    this.#silence?.refresh();
    const all = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    let at = 0;
    while (all.length - at >= HEADER_SIZE) {
      const end = at + HEADER_SIZE + all.readUInt32LE(at + 12);
      if (all.length < end) break;
      this.#answer(all.readUInt32LE(at), all.readUInt32LE(at + 4), all.toString("latin1", at + HEADER_SIZE, end));
      at = end;
    }
    this.#pending = all.subarray(at);
  }

  #answer(type: number, id: number, payload: string): void {
    if (type === XS_WATCH_EVENT) {
      const [path = "", token = ""] = payload.split("\0");
      this.#watches.get(token)?.(path);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.answered?.();
    if (this.#waiting.size === 0) {
      clearTimeout(this.#silence);
      this.#silence = undefined;
    }
    if (type !== XS_ERROR) return waiting?.resolve(payload.replace(/\0$/, ""));
    const name = payload.replaceAll("\0", "");
    if (waiting === undefined) return;
    const what = `${waiting.type} ${waiting.payload.replaceAll("\0", " ").trim()}`;
    waiting.reject(new KaryonError("XENSTORE", `xenstore request ${what}: ${name}`, "", { cause: name }));
  }
}

/** A node to be written. */
export interface StoreNode {
  readonly path: string;
  readonly value: string;
  readonly permissions?: readonly string[];
}

function isStoreError(error: unknown, name: string): boolean {
  return error instanceof KaryonError && error.code === "XENSTORE" && error.cause === name;
}

/** What is asked; undefined when xenstored answers with this error. */
async function unless<T>(name: string, request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isStoreError(error, name)) return undefined;
    throw error;
  }
}
