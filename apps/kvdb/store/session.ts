// A client as the store knows it: which backend speaks for it, what it has asked, and what waits to go to that backend.
import { Bytes } from "../resp/bytes";
import { MOST_ANSWER } from "../resp/limits";

/** Most that waits for a client before what it has not asked for is too much. */
export const MOST_WAITING: u32 = 64 * 1024;

@final
export class Session {
  /** Of the backend, by its greeting. */
  pid: i32 = 0;
  /** Address and port of the client. */
  peer: string = "";
  /** What CLIENT SETNAME has given it. */
  name: string = "";
  commands: u64 = 0;
  /** Monotonic milliseconds of its last command. */
  last: u64 = 0;
  lastCommand: string = "";
  /** It hears of every command (MONITOR). */
  monitors: bool = false;
  /** Channels that it hears of (SUBSCRIBE). */
  readonly channels: string[] = [];
  /** It has not taken what it wanted to hear: it hears no more, and is let go. */
  late: bool = false;
  /** What goes to the backend: what waits, the answer to a command, and a last word. */
  readonly output: Bytes = new Bytes(MOST_WAITING + MOST_ANSWER + 1024);

  constructor(
    /** One more with each client. */
    readonly id: u32,
    /** Monotonic milliseconds. */
    readonly since: u64,
  ) {}

  /** Whether it takes what nobody has asked for. */
  get listens(): bool {
    return this.monitors || this.channels.length > 0;
  }

  /** Whether there is room for something that it has not asked for; if not, it is let go. */
  mayHear(bytes: u32): bool {
    if (this.late) return false;
    if (this.output.length + bytes <= MOST_WAITING) return true;
    this.late = true;
    return false;
  }
}
