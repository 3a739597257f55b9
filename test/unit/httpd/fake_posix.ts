// The kernel's part of an appliance, played under Node: the module "posix" with embedded files, a listening socket, a
// clock that only moves when the test says so, and clients as scripted byte queues. The server under test runs inside
// one call of _start; whenever it waits and nothing is ready, the test's script goes on up to its next `yield`.
//
//   const server = await createServer({ files: { "/a.txt": "hello" } });
//   server.run(function* (world) {
//     const client = world.connect();
//     client.send("GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
//     yield;                     // until the server waits
//     yield 1000;                // … and for another second of its time
//     client.received            // what it has answered
//   });
import { compileAssembly } from "../../support/assembly.ts";
import { Client, POLLHUP, POLLIN } from "./fake_client.ts";
import { FakeEpoll } from "./fake_epoll.ts";
import { FakeFiles } from "./fake_files.ts";

const EAGAIN = 11;
const EBADF = 9;
const ENOENT = 2;
const EMFILE = 24;
const EPIPE = 32;
const ENOTCONN = 107;

const SIGPIPE = 13;
const SIG_IGN = 1;

const SOCK_NONBLOCK = 0x800;

const LISTENER = 3;
const EPOLL = 4;
const FIRST_DESCRIPTOR = 5;
/** Calls of poll without anything for the script to do, after which the server counts as spinning. */
const SPIN_LIMIT = 100_000;

/** What a test does: each yield lets the server run until it waits; a number lets that many milliseconds pass as well. */
export type Script = (world: World) => Generator<number | undefined, void, void>;

/** What a script acts on. */
export interface World {
  connect(): Client;
  /** Milliseconds since the server's start. */
  readonly now: number;
  /** What the server has written to the console. */
  readonly console: string;
  /** Descriptors of connections and files that the server holds open. */
  readonly descriptors: number;
  /** Memory of the server in pages of 64 KiB. */
  readonly memoryPages: number;
  /** Fails accept with EMFILE for as long as it is true. */
  refuseAccept: boolean;
  /** Number of system calls so far. */
  readonly calls: number;
}

/** What a server is started with. */
export interface ServerOptions {
  readonly arguments?: readonly string[];
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Time of last change of every file, seconds since the epoch. */
  readonly modified?: number;
  /** The wall clock at the start, milliseconds since the epoch. */
  readonly startTime?: number;
}

/** 1994-11-15T12:45:26Z, the date of the examples in RFC 9110. */
export const START_TIME = Date.UTC(1994, 10, 15, 12, 45, 26);

class Stopped extends Error {}

/** One server, compiled, and ready to run once. */
export class Server implements World {
  now = 0;
  calls = 0;
  refuseAccept = false;
  private output = "";
  private readonly backlog: Client[] = [];
  private readonly open = new Map<number, Client | { path: string; listed: boolean }>();
  private readonly epoll = new FakeEpoll();
  private readonly files: FakeFiles;
  private readonly memory: WebAssembly.Memory;
  private readonly start: () => number;
  private script: Generator<number | undefined, void, void> | null = null;
  private scriptDue = 0;
  private idlePolls = 0;
  private ignoresBrokenPipes = false;
  private listenerWaits = false;

  constructor(
    module: WebAssembly.Module,
    private readonly options: ServerOptions,
  ) {
    this.files = new FakeFiles(options.files ?? {}, options.modified);
    const instance = new WebAssembly.Instance(module, { posix: this.counted(), env: { abort: this.abort } });
    this.memory = instance.exports["memory"] as WebAssembly.Memory;
    this.start = instance.exports["_start"] as () => number;
  }

  /** Runs the server until the script ends (then null), or until it returns: its exit status. */
  run(script: Script): number | null {
    this.script = script(this);
    try {
      return this.start();
    } catch (error) {
      if (error instanceof Stopped) return null;
      throw error;
    }
  }

  connect(): Client {
    const client = new Client();
    this.backlog.push(client);
    return client;
  }

  get console(): string {
    return this.output;
  }

  get descriptors(): number {
    return this.open.size;
  }

  get memoryPages(): number {
    return this.memory.buffer.byteLength / 65536;
  }

  private readonly abort = (): never => {
    throw new Error(`the server aborted: ${this.output}`);
  };

  private bytes(at: number, count: number): Buffer {
    return Buffer.from(this.memory.buffer, at, count);
  }

  private view(): DataView {
    return new DataView(this.memory.buffer);
  }

  private text(at: number, count: number): string {
    return this.bytes(at, count).toString("utf8");
  }

  private counted(): WebAssembly.ModuleImports {
    const functions: Record<string, (...values: never[]) => unknown> = this.functions();
    const result: WebAssembly.ModuleImports = {};
    for (const [name, body] of Object.entries(functions)) {
      result[name] = (...values: never[]) => {
        this.calls++;
        return body(...values);
      };
    }
    return result;
  }

  private functions() {
    return {
      abort: this.abort,
      arguments_size: () => this.argumentBytes().length,
      arguments_get: (at: number, length: number) => this.argumentBytes().copy(this.bytes(at, length)),
      write: (_fd: number, at: number, count: number) => {
        this.output += this.text(at, count);
        return count;
      },
      clock_gettime: (clock: number, at: number) => this.readClock(clock, at),
      nanosleep: (nanoseconds: bigint) => this.sleep(Number(nanoseconds) / 1e6),
      open: (path: number, length: number) => this.openFile(this.text(path, length)),
      close: (fd: number) => this.close(fd),
      stat: (path: number, length: number, at: number) => this.stat(this.text(path, length), at),
      getdents: (fd: number, at: number, length: number) => this.list(fd, at, length),
      pread: (fd: number, at: number, count: number, offset: bigint) =>
        this.contentsOf(fd).copy(this.bytes(at, count), 0, Number(offset), Number(offset) + count),
      sendfile: (socket: number, file: number, offset: bigint, count: number) =>
        this.put(socket, this.contentsOf(file).subarray(Number(offset), Number(offset) + count)),
      socket: (_domain: number, type: number) => {
        this.listenerWaits = (type & SOCK_NONBLOCK) === 0;
        return LISTENER;
      },
      bind: () => 0,
      listen: () => 0,
      setsockopt: (fd: number, _level: number, name: number) => this.setOption(fd, name),
      accept: (_fd: number, address: number) => this.accept(address),
      recvfrom: (fd: number, at: number, length: number) => this.receive(fd, at, length),
      sendto: (fd: number, at: number, length: number) => this.put(fd, this.bytes(at, length)),
      sigaction: (signal: number, action: number) => {
        if (signal === SIGPIPE) this.ignoresBrokenPipes = this.view().getUint32(action, true) === SIG_IGN;
        return 0;
      },
      shutdown: (fd: number) => this.shutdown(fd),
      poll: (at: number, count: number, nanoseconds: bigint) =>
        this.waitFor(() => this.look(at, count), Number(nanoseconds) / 1e6),
      epoll_create: () => EPOLL,
      epoll_ctl: (_epoll: number, operation: number, fd: number, at: number) =>
        this.epoll.control(operation, fd, this.view(), at),
      epoll_wait: (_epoll: number, at: number, maximum: number, nanoseconds: bigint) =>
        this.waitFor(
          () => this.epoll.collect((fd) => this.eventsOf(fd), this.view(), at, maximum),
          Number(nanoseconds) / 1e6,
        ),
      sysinfo: (at: number) => {
        this.view().setBigUint64(at + 8, 16n << 20n, true);
        return 0;
      },
      net_counters: () => 0,
      thread_self: () => 1,
      thread_create: this.abort,
      thread_exit: this.abort,
      futex_wait: this.abort,
      futex_wake: () => 0,
    };
  }

  private argumentBytes(): Buffer {
    return Buffer.from((this.options.arguments ?? []).map((word) => `${word}\0`).join(""));
  }

  private readClock(clock: number, at: number): number {
    const now = this.now + (clock === 0 ? (this.options.startTime ?? START_TIME) : 0);
    this.view().setBigInt64(at, BigInt(Math.floor(now / 1000)), true);
    this.view().setBigInt64(at + 8, BigInt(Math.floor((now % 1000) * 1e6)), true);
    return 0;
  }

  private newDescriptor(thing: Client | { path: string; listed: boolean }): number {
    let fd = FIRST_DESCRIPTOR;
    while (this.open.has(fd)) fd++;
    this.open.set(fd, thing);
    return fd;
  }

  private client(fd: number): Client {
    const client = this.open.get(fd);
    if (client instanceof Client) return client;
    throw new Error(`descriptor ${fd} is no connection`);
  }

  private pathOf(fd: number): string {
    const file = this.open.get(fd);
    if (file === undefined || file instanceof Client) throw new Error(`descriptor ${fd} is no file`);
    return file.path;
  }

  private contentsOf(fd: number): Buffer {
    const contents = this.files.contents(this.pathOf(fd));
    if (contents === undefined) throw new Error(`descriptor ${fd} is a directory`);
    return contents;
  }

  private close(fd: number): number {
    const thing = this.open.get(fd);
    if (thing === undefined) throw new Error(`close of descriptor ${fd}, which is not open`);
    if (thing instanceof Client && thing.ending !== "reset") thing.ending = thing.unread > 0 ? "reset" : "closed";
    this.open.delete(fd);
    this.epoll.forget(fd);
    return 0;
  }

  private openFile(path: string): number {
    const name = path === "/" ? path : path.replace(/\/$/, "");
    return this.files.has(name) ? this.newDescriptor({ path: name, listed: false }) : -ENOENT;
  }

  private stat(path: string, at: number): number {
    const status = this.files.stat(path);
    if (status === undefined) return -ENOENT;
    status.copy(this.bytes(at, status.length));
    return 0;
  }

  private list(fd: number, at: number, length: number): number {
    const directory = this.open.get(fd);
    if (directory === undefined || directory instanceof Client) return -EBADF;
    if (directory.listed) return 0;
    directory.listed = true;
    const entries = this.files.list(directory.path);
    if (entries.length > length) throw new Error("more entries than the fake lists at once");
    return entries.copy(this.bytes(at, length));
  }

  private setOption(fd: number, name: number): number {
    const thing = this.open.get(fd);
    if (thing instanceof Client && name === 13) thing.ending = "reset";
    return 0;
  }

  private accept(address: number): number {
    if (this.refuseAccept) return -EMFILE;
    while (this.listenerWaits && this.backlog.length === 0) this.resume();
    const client = this.backlog.shift();
    if (client === undefined) return -EAGAIN;
    client.accepted = true;
    const peer = [10, 0, 0x30, 0x39, ...Array<number>(14).fill(0), 0xff, 0xff, 10, 0, 2, 2];
    Buffer.from(peer).copy(this.bytes(address, 28));
    return this.newDescriptor(client);
  }

  private receive(fd: number, at: number, length: number): number {
    const bytes = this.client(fd).take(length);
    return typeof bytes === "number" ? bytes : bytes.copy(this.bytes(at, length));
  }

  private put(fd: number, bytes: Buffer): number {
    const result = this.client(fd).put(bytes);
    if (result === -EPIPE && !this.ignoresBrokenPipes) throw new Error("killed by SIGPIPE");
    return result;
  }

  private shutdown(fd: number): number {
    const client = this.client(fd);
    if (client.ending !== "open") return -ENOTCONN;
    client.ending = "shutdown";
    return 0;
  }

  private eventsOf(fd: number): number {
    if (fd === LISTENER) return this.backlog.length > 0 ? POLLIN : 0;
    return this.client(fd).pollEvents();
  }

  private look(at: number, count: number): number {
    const view = this.view();
    let ready = 0;
    for (let entry = at; entry < at + count * 8; entry += 8) {
      const wanted = view.getInt16(entry + 4, true) | POLLHUP;
      const events = this.eventsOf(view.getInt32(entry, true)) & wanted;
      view.setInt16(entry + 6, events, true);
      if (events !== 0) ready++;
    }
    return ready;
  }

  /** Lets the script go on until `look` finds something ready, or for `timeout` ms. */
  private waitFor(look: () => number, timeout: number): number {
    const deadline = timeout < 0 ? Infinity : this.now + timeout;
    if (this.idlePolls++ > SPIN_LIMIT) throw new Error("the server polls without end");
    for (;;) {
      const ready = look();
      if (ready > 0 || timeout === 0) return ready;
      if (this.scriptDue > deadline) {
        this.now = deadline;
        return 0;
      }
      this.resume();
    }
  }

  private sleep(milliseconds: number): number {
    const until = this.now + milliseconds;
    while (this.scriptDue < until) this.resume();
    this.now = until;
    return 0;
  }

  /** Lets the script go on, at the time it has asked for. */
  private resume(): void {
    this.now = Math.max(this.now, this.scriptDue);
    this.idlePolls = 0;
    const step = this.script?.next();
    if (step === undefined || step.done === true) throw new Stopped();
    this.scriptDue = this.now + (step.value ?? 0);
  }
}

/** Compiles the server (once per change of its sources) and puts it into a world of its own. */
export async function createServer(options: ServerOptions = {}): Promise<Server> {
  return new Server(await compileServer(), options);
}

/** The compiled server. */
export function compileServer(): Promise<WebAssembly.Module> {
  return compileAssembly("test/unit/httpd/harness.ts", {
    runtime: "incremental",
    memoryBase: 4096,
    packages: {
      karyon: "libos/api/index.ts",
      "karyon/http/message": "libos/api/modules/http/message/index.ts",
    },
  });
}
