// A station on the bridge of the lab whose frames the tester writes and reads: a tap device in dom0 and a program that carries
// its frames (relay.c).
import { setTimeout as sleep } from "node:timers/promises";
import type { Conversation } from "../../lab/client.ts";
import type { Lab } from "../../lab/lab.ts";
import { staticProgram } from "../../peers/static_program.ts";
import { KaryonError } from "../../support/errors.ts";

const PROGRAM = "/root/relay";
const INTERFACE = "peer0";
const READY_TIMEOUT_MS = 20_000;

/** The station. */
export class Link {
  #received: Buffer = Buffer.alloc(0);
  #ready = false;
  #onFrame: (frame: Buffer) => void = () => undefined;

  private constructor(private readonly conversation: Conversation) {}

  /** Puts a station on the bridge, for as long as the lab runs; one at a time. */
  static async open(lab: Lab): Promise<Link> {
    await lab.copyIn(await staticProgram("relay"), PROGRAM, 0o755);
    const conversation = lab.converse([PROGRAM], { onStdout: (bytes) => link.#take(bytes) });
    const link: Link = new Link(conversation);
    let ended = false;
    conversation.end.catch(() => undefined).finally(() => (ended = true));
    for (const end = Date.now() + READY_TIMEOUT_MS; !link.#ready; await sleep(10)) {
      if (ended || Date.now() > end) throw new KaryonError("CONFORMANCE", "the relay in dom0 does not start");
    }
    await lab.run(`ip link set ${INTERFACE} master xenbr0 up`);
    return link;
  }

  /** From now on `take` is given each frame that arrives. */
  onFrame(take: (frame: Buffer) => void): void {
    this.#onFrame = take;
  }

  /** Sends frames, one after the other; resolves when there is room for more. */
  async send(...frames: readonly Buffer[]): Promise<void> {
    const parts = frames.flatMap((frame) => [Buffer.from([frame.length >> 8, frame.length & 255]), frame]);
    await this.conversation.say(Buffer.concat(parts));
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 2) {
      const size = this.#received.readUInt16BE(0);
      if (this.#received.length < 2 + size) return;
      const frame = Buffer.from(this.#received.subarray(2, 2 + size));
      this.#received = this.#received.subarray(2 + size);
      if (size === 0) this.#ready = true;
      else this.#onFrame(frame);
    }
  }
}
