// Servers that live from fork, for the tests: a family that serves HTTP, its scoreboard, and load from domain 0.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseScoreboard, type Scoreboard } from "../../tools/start/scoreboard.ts";
import { pushProgram, type Forkd } from "./forkd_support.ts";
import { boot, type Guest } from "./support.ts";

/** For a family to be made, and for what takes a second on a machine that has nothing else to do. */
export const START_MS = 180_000;
export const PATIENCE_MS = 60_000;
/** For a connection that waits for a domain of its own. */
export const CONNECTION_MS = 5_000;
const NETWORK = ['vif = ["bridge=xenbr0"]'];
const LOAD = fileURLToPath(new URL("http_load.ts", import.meta.url));

/** What clients in domain 0 do: http_load.ts. */
export interface LoadOrder extends LoadManner {
  readonly address: string;
  /** Connections at a time, in all, and requests on each, one after the other. */
  readonly clients: number;
  readonly connections: number;
  readonly requests: number;
}

/** How they do it. */
interface LoadManner {
  readonly path: string;
  /** After each request. */
  readonly pauseMs: number;
  /** Connections go in turns: after its first answer each waits for the first answers of all of its turn. */
  readonly together: boolean;
  /** How long one waits for an answer. */
  readonly patienceMs: number;
}

const MANNER: LoadManner = { path: "/", pauseMs: 0, together: false, patienceMs: PATIENCE_MS };

/** What became of requests from domain 0. */
export interface Load {
  readonly answered: number;
  readonly errors: readonly string[];
  /** The SHA-256 sums of the bodies, each once. */
  readonly sums: readonly string[];
  /** The longest that one took, ms. */
  readonly slowest: number;
}

/** httpd in an architecture that forks. */
export class Server {
  constructor(
    readonly forkd: Forkd,
    readonly guest: Guest,
    readonly address: string,
  ) {}

  /** The domain of process `pid`. */
  domain(pid: number): string {
    return pid === 1 ? this.guest.name : `${this.guest.name}-${pid}`;
  }

  async scoreboard(): Promise<Scoreboard> {
    const text = await this.guest.lab.run(`curl -sS --max-time 30 http://${this.address}/server-status`, {
      timeoutMs: PATIENCE_MS,
    });
    return parseScoreboard(text);
  }

  /** Waits until the scoreboard is as `holds` wants it. */
  async until(holds: (board: Scoreboard) => boolean, what: string, limitMs = START_MS): Promise<Scoreboard> {
    const begun = performance.now();
    for (;;) {
      const board = await this.scoreboard();
      if (holds(board)) return board;
      assert.ok(performance.now() - begun < limitMs, `${what}: ${JSON.stringify(board)}`);
      await sleep(500);
    }
  }

  /** Sends `signal` to process `pid`. */
  async signal(pid: number, signal: string): Promise<void> {
    await this.forkd.signal(this.domain(pid), signal);
  }

  /** Requests from domain 0: so many clients at a time, connections in all, and requests on each. */
  async load(clients: number, connections: number, requests: number, manner: Partial<LoadManner> = {}): Promise<Load> {
    const program = await pushProgram(this.guest.lab, LOAD);
    const order: LoadOrder = { ...MANNER, ...manner, address: this.address, clients, connections, requests };
    const timeoutMs = START_MS + connections * CONNECTION_MS;
    const onStderr = (bytes: Buffer): void => void process.stderr.write(bytes);
    const command = `node ${program} '${JSON.stringify(order)}'`;
    return JSON.parse(await this.guest.lab.run(command, { timeoutMs, onStderr })) as Load;
  }

  /** All of a stream of so many seconds, with an event in `interval` ms. */
  stream(seconds: number, interval: number): Promise<string> {
    const url = `http://${this.address}/stream?seconds=${seconds}&interval=${interval}`;
    return this.guest.lab.run(`curl -sSN --max-time ${seconds + 60} '${url}'`, {
      timeoutMs: START_MS + seconds * 1000,
    });
  }

  /** Runs `work`; when it fails, the error has the consoles. */
  async explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const consoles = await this.guest.lab.sh(`tail -n 12 /var/log/xen/console/guest-${this.guest.name}-*.log`);
      const texts = [this.guest.console.text, consoles.stdout, this.forkd.output.text];
      throw new Error(texts.map((text) => text.slice(-4000)).join("\n--- \n"), { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.guest.console.close();
    await this.guest.lab.sh(`for d in $(xl list | awk '/^${this.guest.name}/ {print $1}'); do xl destroy $d; done`);
  }
}

/** Boots apps/httpd/prefork.json with these arguments; returns when `workers` of its children run, of whom there may be `children`. */
export async function bootServer(forkd: Forkd, words: string, workers: number, children = 20): Promise<Server> {
  const commandLine = `ip=dhcp fork=${children} -- ${words}`;
  const guest = await boot(forkd.lab, "apps/httpd/prefork.json", { extra: NETWORK, commandLine });
  await guest.keepNeighbour();
  const server = new Server(forkd, guest, await guest.address());
  await server.explained(() =>
    forkd.output.waitFor(new RegExp(`(?:${guest.name}-\\d+ is process [^]*){${workers}}`), START_MS),
  );
  return server;
}
