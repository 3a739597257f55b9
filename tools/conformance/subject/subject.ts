// The subject as the tester holds it: its sockets, by the calls that a program would make.
import { connect, type Socket } from "node:net";
import { KaryonError } from "../../support/errors.ts";
import { addressBytes } from "../packets/ipv4.ts";
import { decodeAnswer, encodeRequest, type SubjectAnswer, type SubjectRequest } from "./protocol.ts";

const ANSWER_TIMEOUT_MS = 30_000;
/** Longer than anything that is waited for takes on a busy machine. */
const PATIENCE_MS = 10_000;

/** Numbers of Linux, which are Karyon's too. */
export const SOCK_STREAM = 1;
export const POLLIN = 1;
export const POLLPRI = 2;
export const POLLOUT = 4;
export const POLLERR = 8;
export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const EAGAIN = 11;
export const EINPROGRESS = 115;

/** A connection to the subject. */
export class Subject implements Disposable {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: ((answer: SubjectAnswer) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      const decoded = decodeAnswer(this.#received);
      if (decoded === undefined) return;
      this.#received = Buffer.from(this.#received.subarray(decoded.length));
      this.#waiting?.(decoded.answer);
    });
    const gone = (): void => this.#failed?.(new KaryonError("CONFORMANCE", "the subject has hung up"));
    socket.on("error", gone).on("close", gone);
  }

  /** Connects to the subject by a port of this host that leads to it. */
  static connect(port: number): Promise<Subject> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true });
      socket.once("connect", () => resolve(new Subject(socket))).once("error", reject);
    });
  }

  /** One request; requests follow one another. */
  ask(request: SubjectRequest): Promise<SubjectAnswer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#failed?.(new KaryonError("CONFORMANCE", "no answer")), ANSWER_TIMEOUT_MS);
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
        this.#failed = undefined;
      };
      this.#waiting = (answer) => {
        done();
        resolve(answer);
      };
      this.#failed = (error) => {
        done();
        reject(error);
      };
      this.#socket.write(encodeRequest(request));
    });
  }

  /** A stream socket. */
  async socket(): Promise<SubjectSocket> {
    const { result } = await this.ask({ operation: "socket", a: SOCK_STREAM });
    if (result < 0) throw new KaryonError("CONFORMANCE", `the subject has no socket: error ${-result}`);
    return new SubjectSocket(this, result);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** A socket of the subject's. Its calls return what the system says: a number ≥ 0, or a negative errno. */
export class SubjectSocket {
  constructor(
    readonly subject: Subject,
    readonly fd: number,
  ) {}

  async #call(request: Omit<SubjectRequest, "fd">): Promise<number> {
    return (await this.subject.ask({ ...request, fd: this.fd })).result;
  }

  bind(address: string, port: number): Promise<number> {
    return this.#call({ operation: "bind", a: addressBytes(address).readUInt32LE(0), b: port });
  }

  listen(backlog = 8): Promise<number> {
    return this.#call({ operation: "listen", a: backlog });
  }

  connect(address: string, port: number): Promise<number> {
    return this.#call({ operation: "connect", a: addressBytes(address).readUInt32LE(0), b: port });
  }

  /** The next connection, waiting for it; @throws KaryonError CONFORMANCE when none comes. */
  async accept(): Promise<SubjectSocket> {
    await this.poll(POLLIN);
    const fd = await this.#call({ operation: "accept" });
    if (fd < 0) throw new KaryonError("CONFORMANCE", `no connection to accept: error ${-fd}`);
    return new SubjectSocket(this.subject, fd);
  }

  /** Whether a connection waits to be accepted now. */
  async hasConnection(): Promise<boolean> {
    return ((await this.poll(POLLIN, 0)) & POLLIN) !== 0;
  }

  send(data: Buffer | string, flags = 0): Promise<number> {
    return this.#call({ operation: "send", a: flags, data: Buffer.from(data) });
  }

  /** What can be read, waiting for it: bytes (none: the end), or a negative errno. */
  async receive(length = 65536, flags = 0): Promise<Buffer | number> {
    await this.poll(POLLIN);
    return this.receiveNow(length, flags);
  }

  /** What can be read without waiting. */
  async receiveNow(length = 65536, flags = 0): Promise<Buffer | number> {
    const { result, data } = await this.subject.ask({
      operation: "receive",
      fd: this.fd,
      a: flags,
      b: length,
    });
    return result < 0 ? result : data;
  }

  shutdown(how: number): Promise<number> {
    return this.#call({ operation: "shutdown", a: how });
  }

  close(): Promise<number> {
    return this.#call({ operation: "close" });
  }

  /** Sets an option to a number, or to bytes. */
  option(level: number, name: number, value: number | Buffer): Promise<number> {
    const data = typeof value === "number" ? Buffer.alloc(4) : value;
    if (typeof value === "number") data.writeInt32LE(value);
    return this.#call({ operation: "setOption", a: level, b: name, data });
  }

  /** An option's value as a number. */
  async optionValue(level: number, name: number): Promise<number> {
    const { result, data } = await this.subject.ask({ operation: "getOption", fd: this.fd, a: level, b: name });
    return result < 0 ? result : data.readInt32LE(0);
  }

  /** Takes the pending error: a positive errno, or 0. */
  error(): Promise<number> {
    return this.optionValue(SOL_SOCKET, SO_ERROR);
  }

  /** Waits for `events`; those that are there. */
  poll(events: number, milliseconds = PATIENCE_MS): Promise<number> {
    return this.#call({ operation: "poll", a: events, b: milliseconds });
  }
}
