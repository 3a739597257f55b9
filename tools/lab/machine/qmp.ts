// QEMU's control socket (QMP, docs/interop/qmp-spec): a line of JSON each way. QEMU serves one client at a time, so a
// connection is opened for a few commands and closed again.
import { connect, type Socket } from "node:net";
import { KaryonError } from "../../support/errors.ts";

const COMMAND_TIMEOUT_MS = 30_000;

interface Answer {
  readonly QMP?: unknown;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
}

/** An open control connection. */
export class Qmp {
  #waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];

  private constructor(private readonly socket: Socket) {
    let unfinished = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (unfinished + chunk).split("\n");
      unfinished = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line) as Answer);
    });
    const failed = (): void => {
      for (const { reject } of this.#waiting.splice(0)) reject(new KaryonError("QEMU_GONE", "QEMU has ended"));
    };
    socket.on("error", failed);
    socket.on("close", failed);
  }

  /** Connects to the unix socket at `path` and leaves capability negotiation. */
  static async open(path: string): Promise<Qmp> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const qmp = new Qmp(socket);
    await qmp.command("qmp_capabilities");
    return qmp;
  }

  /** Runs one command and returns its result. */
  command(execute: string, args: Record<string, unknown> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new KaryonError("QEMU_TIMEOUT", `QEMU does not answer ${execute}`));
      const timer = setTimeout(late, COMMAND_TIMEOUT_MS);
      this.#waiting.push({
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
  }

  /** Runs a command of the human monitor and returns its text. */
  async monitor(line: string): Promise<string> {
    return String(await this.command("human-monitor-command", { "command-line": line })).replaceAll("\r", "");
  }

  close(): void {
    this.socket.destroy();
  }

  #take(answer: Answer): void {
    if (answer.QMP !== undefined || answer.event !== undefined) return;
    const waiting = this.#waiting.shift();
    if (answer.error !== undefined) waiting?.reject(new KaryonError("QEMU_REFUSED", `QEMU: ${answer.error.desc}`));
    else waiting?.resolve(answer.return);
  }
}

/** Opens a connection, runs `work` and closes it. */
export async function withQmp<T>(path: string, work: (qmp: Qmp) => Promise<T>): Promise<T> {
  const qmp = await Qmp.open(path);
  try {
    return await work(qmp);
  } finally {
    qmp.close();
  }
}
