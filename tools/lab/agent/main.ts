// The agent in the lab's dom0: runs commands and moves files for the host. It is resident, because starting Node takes
// a second under emulation, and becomes part of the snapshot. Bundled into one file when dom0's image is made.
import { spawn } from "node:child_process";
import { createWriteStream, watch } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { constants } from "node:os";
import { basename, dirname } from "node:path";
import { AGENT_PORT, encodeFrame, Frame, FrameDecoder, type End, type Request } from "./protocol.ts";

const REQUEST_MAX = 64 * 1024;
const CHUNK = 256 * 1024;
// A command's output may be held open by what it left in the background.
const OUTPUT_GRACE_MS = 1000;

let secret: string | undefined;
let uploads = 0;

/** One client: the frames it sends, and the way back. */
class Client {
  onInput: (payload: Buffer) => void = () => undefined;
  #ended = false;

  constructor(readonly socket: Socket) {}

  /** Sends a frame; false when the caller should wait for `drain`. */
  send(type: number, payload: Buffer): boolean {
    return this.#ended || this.socket.destroyed || this.socket.write(encodeFrame(type, payload));
  }

  end(end: End): void {
    if (this.#ended || this.socket.destroyed) return;
    this.socket.end(encodeFrame(Frame.END, Buffer.from(JSON.stringify(end))));
    this.#ended = true;
  }
}

const server = createServer({ noDelay: true }, (socket) => {
  const client = new Client(socket);
  const decoder = new FrameDecoder((type, payload) => {
    if (type === Frame.STDIN) client.onInput(payload);
  });
  let head: Buffer | undefined = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes: Buffer) => {
    try {
      if (head === undefined) return decoder.push(bytes);
      head = Buffer.concat([head, bytes]);
      const newline = head.indexOf(10);
      if (newline < 0) {
        if (head.length > REQUEST_MAX) socket.destroy();
        return;
      }
      const rest = head.subarray(newline + 1);
      const request = JSON.parse(head.toString("utf8", 0, newline)) as Request;
      head = undefined;
      serve(client, request);
      decoder.push(rest);
    } catch (error) {
      client.end({ status: 1, error: String(error) });
    }
  });
});

function serve(client: Client, request: Request): void {
  if (request.op === "ping") return client.end({ status: 0 });
  if (request.op === "claim") secret ??= request.secret;
  if (secret === undefined || request.secret !== secret) return client.end({ status: 1, error: "wrong secret" });
  switch (request.op) {
    case "claim":
      return execute(client, ["date", "-u", "-s", `@${Math.floor(request.time)}`]);
    case "exec":
      return execute(client, request.argv);
    case "put":
      return void receive(client, request.path, request.mode).catch(failed(client));
    case "get":
      return void send(client, request.path).catch(failed(client));
    case "follow":
      return void follow(client, request.path).catch(failed(client));
  }
}

function failed(client: Client): (error: unknown) => void {
  return (error) => client.end({ status: 1, error: error instanceof Error ? error.message : String(error) });
}

function execute(client: Client, argv: readonly string[]): void {
  const [command = "", ...args] = argv;
  // A process group of its own, so that a client that hangs up takes the whole command with it.
  const child = spawn(command, args, { cwd: "/root", detached: true });
  const { stdin, stdout, stderr } = child;
  const send = (type: number, source: typeof stdout) => (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      if (!client.send(type, bytes.subarray(at, at + CHUNK))) source.pause();
    }
  };
  stdout.on("data", send(Frame.STDOUT, stdout));
  stderr.on("data", send(Frame.STDERR, stderr));
  client.socket.on("drain", () => {
    stdout.resume();
    stderr.resume();
  });
  stdin.on("error", () => undefined);
  client.onInput = (payload) => {
    if (payload.length === 0) stdin.end();
    else stdin.write(payload);
  };
  let running = true;
  client.socket.on("close", () => {
    if (running && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  });
  child.on("error", (error) => client.end({ status: 127, error: error.message }));
  child.on("exit", (code, signal) => {
    running = false;
    const status = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    const grace = setTimeout(() => client.end({ status }), OUTPUT_GRACE_MS);
    child.on("close", () => {
      clearTimeout(grace);
      client.end({ status });
    });
  });
}

async function receive(client: Client, path: string, mode: number): Promise<void> {
  const temporary = `${path}.upload-${++uploads}`;
  const early: Buffer[] = [];
  client.onInput = (payload) => void early.push(payload);
  await mkdir(dirname(path), { recursive: true });
  const file = createWriteStream(temporary, { mode });
  file.on("error", (error) => {
    failed(client)(error);
    void rm(temporary, { force: true });
  });
  file.on("drain", () => client.socket.resume());
  file.on("finish", () => {
    rename(temporary, path).then(() => client.end({ status: 0 }), failed(client));
  });
  client.socket.on("close", () => {
    if (!file.writableFinished) file.destroy(new Error("the client hung up"));
  });
  client.onInput = (payload) => {
    if (payload.length === 0) file.end();
    else if (!file.write(payload)) client.socket.pause();
  };
  for (const payload of early) client.onInput(payload);
}

async function send(client: Client, path: string): Promise<void> {
  await copyOut(client, path, 0);
  client.end({ status: 0 });
}

/** Sends `path` from `offset` to its present end; resolves to the offset reached. */
async function copyOut(client: Client, path: string, offset: number): Promise<number> {
  const file = await open(path);
  try {
    for (let at = offset; ;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, at);
      if (bytesRead === 0 || client.socket.destroyed) return at;
      at += bytesRead;
      if (!client.send(Frame.STDOUT, buffer.subarray(0, bytesRead))) await drained(client.socket);
    }
  } finally {
    await file.close();
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
  });
}

/** Sends what there is of `path` and what is added to it, until the client hangs up. Its folder is watched: it need not exist yet. */
async function follow(client: Client, path: string): Promise<void> {
  const { socket } = client;
  let changes = 0;
  let wake = (): void => undefined;
  const watcher = watch(dirname(path), (_, name) => {
    if (name !== basename(path)) return;
    changes++;
    wake();
  });
  watcher.on("error", () => socket.destroy());
  socket.once("close", () => wake());
  try {
    for (let offset = 0; !socket.destroyed;) {
      const seen = changes;
      offset = await copyOut(client, path, offset).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return offset;
        throw error;
      });
      if (changes === seen && !socket.destroyed) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    watcher.close();
  }
}

server.listen(AGENT_PORT, "0.0.0.0", () => console.log("agent: ready"));
