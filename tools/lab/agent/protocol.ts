// What the lab's agent in dom0 and its clients on the host say to each other: one TCP connection a request. The client
// opens with one line of JSON (Request); from then on both sides send frames: type u8, length u32 big endian, payload.

/** Where the agent listens, in dom0. */
export const AGENT_ADDRESS = "10.0.2.15";
export const AGENT_PORT = 7800;

/** A frame longer than this is a broken peer. */
export const FRAME_MAX = 1 << 20;
const HEADER_SIZE = 5;

/** Frame types. STDIN goes to the agent, an empty one ends the input; the others come from it, END last. */
export const Frame = { STDIN: 0, STDOUT: 1, STDERR: 2, END: 3 } as const;

/** Requests; `secret` is the one its first client claimed the agent with. */
export type Request =
  /** Answered by END as soon as the agent is there; asks for no secret. */
  | { readonly op: "ping"; readonly secret: string }
  /** Makes `secret` the agent's for good and sets dom0's clock (seconds since the epoch). */
  | { readonly op: "claim"; readonly secret: string; readonly time: number }
  | { readonly op: "exec"; readonly secret: string; readonly argv: readonly string[] }
  /** Writes the input to a file, which appears under its name when complete. */
  | { readonly op: "put"; readonly secret: string; readonly path: string; readonly mode: number }
  | { readonly op: "get"; readonly secret: string; readonly path: string }
  /** Sends a file's content and what is added to it until the client hangs up; it need not exist yet. */
  | { readonly op: "follow"; readonly secret: string; readonly path: string };

/** The payload of END, as JSON. */
export interface End {
  /** Exit status of a command (128 + n when signal n killed it); 0 for other requests that went well. */
  readonly status: number;
  /** Why the request could not be carried out. */
  readonly error?: string;
}

/** One frame as bytes. */
export function encodeFrame(type: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_SIZE + payload.length);
  frame.writeUInt8(type, 0);
  frame.writeUInt32BE(payload.length, 1);
  payload.copy(frame, HEADER_SIZE);
  return frame;
}

/** Cuts a byte stream into frames. */
export class FrameDecoder {
  #pending: Buffer[] = [];
  #length = 0;

  constructor(private readonly onFrame: (type: number, payload: Buffer) => void) {}

  /** Takes the next bytes; throws RangeError when they are no frames. */
  push(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#length += bytes.length;
    while (this.#length >= HEADER_SIZE) {
      const header = this.#peek(HEADER_SIZE);
      const size = header.readUInt32BE(1);
      if (size > FRAME_MAX) throw new RangeError(`frame of ${size} bytes`);
      if (this.#length < HEADER_SIZE + size) return;
      this.#drop(HEADER_SIZE);
      const payload = this.#peek(size);
      this.#drop(size);
      this.onFrame(header.readUInt8(0), payload);
    }
  }

  #peek(size: number): Buffer {
    const [first] = this.#pending;
    if (first !== undefined && first.length >= size) return first.subarray(0, size);
    this.#pending = [Buffer.concat(this.#pending)];
    return (this.#pending[0] ?? Buffer.alloc(0)).subarray(0, size);
  }

  #drop(size: number): void {
    this.#length -= size;
    let left = size;
    while (left > 0) {
      const [first] = this.#pending;
      if (first === undefined) return;
      if (first.length > left) {
        this.#pending[0] = first.subarray(left);
        return;
      }
      left -= first.length;
      this.#pending.shift();
    }
  }
}
