// The host's side of the lab's agent. Every wait is bounded: a request that is not answered in time fails and, by
// hanging up, ends the command in dom0.
import { connect, type Socket } from "node:net";
import { KaryonError } from "../support/errors.ts";
import { encodeFrame, Frame, FrameDecoder, type End, type Request } from "./agent/protocol.ts";

const CHUNK = 256 * 1024;

/** How to reach the agent of one lab. */
export interface AgentAddress {
  readonly port: number;
  readonly secret: string;
}

/** What a command came to. */
export interface CommandResult {
  /** Exit status; 128 + n when signal n killed it. */
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** What is heard of a request while it is under way. */
export interface ConversationOptions {
  /** No limit when it is left out. */
  readonly timeoutMs?: number;
  /** Hears the output as it comes; it is then not collected. */
  readonly onStdout?: (bytes: Buffer) => void;
  readonly onStderr?: (bytes: Buffer) => void;
  readonly signal?: AbortSignal;
}

/** Options of a request. */
export interface RequestOptions extends ConversationOptions {
  readonly timeoutMs: number;
  readonly input?: Buffer;
}

/** A request as the caller writes it: the secret is added here. */
export type AgentRequest = Request extends infer R ? (R extends Request ? Omit<R, "secret"> : never) : never;

/**
 * Sends one request and waits for its end.
 *
 * @throws KaryonError LAB_TIMEOUT, LAB_AGENT (hung up, or could not do it), ABORTED
 */
export function request(address: AgentAddress, message: AgentRequest, options: RequestOptions): Promise<CommandResult> {
  const conversation = new Conversation(address, message, options);
  if (options.input !== undefined) void conversation.say(options.input).then(() => conversation.endInput());
  else if (message.op === "exec") conversation.endInput();
  return conversation.end;
}

/** A request under way, which can be given input until its end. */
export class Conversation {
  /** What it comes to; rejects like request(). */
  readonly end: Promise<CommandResult>;
  readonly #socket: Socket;

  constructor(address: AgentAddress, message: AgentRequest, options: ConversationOptions) {
    this.#socket = connect({ host: "127.0.0.1", port: address.port, noDelay: true });
    this.end = resultOf(this.#socket, message, options);
    this.#socket.write(`${JSON.stringify({ ...message, secret: address.secret })}\n`);
  }

  /** Gives it input; resolves when there is room for more. */
  async say(input: Buffer): Promise<void> {
    const socket = this.#socket;
    for (let at = 0; at < input.length && !socket.destroyed; at += CHUNK) {
      if (!socket.write(encodeFrame(Frame.STDIN, input.subarray(at, at + CHUNK)))) await drained(socket);
    }
  }

  /** The input ends. */
  endInput(): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeFrame(Frame.STDIN, Buffer.alloc(0)));
  }

  /** Ends a command by force; `end` then rejects. */
  hangUp(): void {
    this.#socket.destroy();
  }
}

function resultOf(socket: Socket, message: AgentRequest, options: ConversationOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const { timeoutMs, signal } = options;
    const takeStdout = options.onStdout ?? ((bytes: Buffer) => void stdout.push(bytes));
    const takeStderr = options.onStderr ?? ((bytes: Buffer) => void stderr.push(bytes));
    let end: End | undefined;
    const fail = (code: string, text: string, cause?: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new KaryonError(code, `${summary(message)}: ${text}`, "", { cause }));
    };
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => fail("LAB_TIMEOUT", `no end after ${timeoutMs} ms`), timeoutMs);
    signal?.addEventListener("abort", () => fail("ABORTED", "given up"), { once: true });
    const decoder = new FrameDecoder((type, payload) => {
      if (type === Frame.STDOUT) takeStdout(payload);
      else if (type === Frame.STDERR) takeStderr(payload);
      else if (type === Frame.END) end = JSON.parse(payload.toString()) as End;
    });
    socket.on("data", (bytes: Buffer) => decoder.push(bytes));
    socket.on("error", (error) => fail("LAB_AGENT", error.message, error));
    socket.on("close", () => {
      if (end === undefined) return fail("LAB_AGENT", "the lab hung up");
      if (end.error !== undefined) return fail("LAB_AGENT", end.error);
      clearTimeout(timer);
      resolve({ status: end.status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) });
    });
  });
}

function summary(message: AgentRequest): string {
  return message.op === "exec" ? `lab: ${message.argv.join(" ").slice(0, 200)}` : `lab: ${message.op}`;
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
