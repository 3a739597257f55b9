// npm start -- prefork: the web server whose workers are domains of their own (apps/httpd/prefork.json), live: the family as a tree, with
// the requests that each domain has answered. It sends some requests itself, for the tree to have something to show.
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import type { Image } from "../image/build.ts";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import type { XenHost } from "./host.ts";
import { Live } from "./live.ts";
import { lineText, parseScoreboard, treeText, type Scoreboard } from "./scoreboard.ts";

/** What is built for it. */
export const PREFORK = fileURLToPath(new URL("../../apps/httpd/prefork.json", import.meta.url));

const REFRESH_MS = 1000;
const REQUESTS = 4;
const PATIENCE_MS = 5000;
const FIRST_MS = 120_000;
const KEYS = "r: restart the workers   k: destroy one   Ctrl-C: take it all down";

/** Shows the family until `interrupted`, or until it has ended. */
export async function showPrefork(
  host: XenHost,
  image: Image,
  url: string,
  interrupted: Promise<unknown>,
): Promise<void> {
  const family = new Family(host, image.manifest.name, url);
  const gone = host.gone(image.manifest.name);
  let over = false;
  void Promise.race([interrupted, gone]).finally(() => (over = true));
  const console = host.console(image.manifest.name);
  console.onText((added) => family.said(added));
  family.listen();
  await family.first(() => over);
  while (!over) {
    await family.refresh();
    await Promise.race([sleep(REFRESH_MS), interrupted, gone]);
  }
  family.close();
}

class Family {
  readonly #live = new Live(process.stdout);
  #board: Scoreboard | undefined;
  #rate = 0;
  #note = "";

  constructor(
    private readonly host: XenHost,
    private readonly name: string,
    private readonly url: string,
  ) {}

  /** Waits for the first worker. */
  async first(over: () => boolean): Promise<void> {
    logger.start("the first worker: a family's network takes some seconds to make");
    const begun = performance.now();
    while (!over() && (await this.#ask()) === undefined) {
      if (performance.now() - begun > FIRST_MS) {
        throw new KaryonError("NO_WORKER", "no worker answers", "forkd's log says why: journalctl -u forkd");
      }
      await sleep(REFRESH_MS / 2);
    }
  }

  /** Keys of the terminal. */
  listen(): void {
    const { stdin } = process;
    if (!stdin.isTTY || !this.#live.isTerminal) return;
    stdin.setRawMode(true).setEncoding("utf8").resume();
    stdin.on("data", (key: string) => {
      if (key === "\x03") process.kill(process.pid, "SIGINT");
      if (key === "r") this.#do("SIGHUP to process 1", this.host.signal(this.name, "SIGHUP"));
      if (key === "k") this.#destroyOne();
    });
  }

  close(): void {
    if (process.stdin.isTTY) process.stdin.setRawMode(false).pause();
  }

  /** The guest has written this to its console. */
  said(text: string): void {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    this.#note = lines.at(-1) ?? this.#note;
  }

  /** Asks anew and shows it. */
  async refresh(): Promise<void> {
    const before = this.#board;
    const asked = Array.from({ length: REQUESTS }, () => fetchText(this.url).catch(() => undefined));
    const board = await this.#ask();
    await Promise.all(asked);
    if (board === undefined) {
      this.#note = "no worker answers";
    } else {
      const seconds = Math.max(1, board.uptime - (before?.uptime ?? 0));
      this.#rate = Math.round((board.requests - (before?.requests ?? 0)) / seconds);
      this.#board = board;
    }
    this.#show();
  }

  #show(): void {
    const board = this.#board;
    if (board === undefined) return;
    const view = { name: this.name, url: this.url, rate: this.#rate, note: this.#note, keys: KEYS };
    this.#live.show(treeText(board, view), lineText(board));
  }

  async #ask(): Promise<Scoreboard | undefined> {
    try {
      return parseScoreboard(await fetchText(`${this.url}server-status`));
    } catch {
      return undefined; // a moment without a worker, or one that has just been destroyed
    }
  }

  #destroyOne(): void {
    const victim = this.#board?.rows.find(({ state }) => state !== "starting");
    if (victim === undefined) return;
    const domain = `${this.name}-${victim.pid}`;
    this.#do(`xl destroy ${domain}`, this.host.destroy(domain));
  }

  #do(what: string, done: Promise<void>): void {
    this.#note = what;
    done.catch((error: unknown) => (this.#note = `${what}: ${error instanceof Error ? error.message : ""}`));
    this.#show();
  }
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, {
    headers: { connection: "close" },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) throw new KaryonError("NO_ANSWER", `${url}: ${response.status}`);
  return response.text();
}
