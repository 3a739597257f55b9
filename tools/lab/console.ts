// A domain's console as xenconsoled logs it. Nothing is lost between creation and the first look, and it can still be
// read when the domain is gone.
import { KaryonError, describeError } from "../support/errors.ts";
import { request, type AgentAddress } from "./agent/client.ts";

const FOLLOW_LIMIT_MS = 2 ** 31 - 1;
const SHOWN_ON_TIMEOUT = 3000;

/** Follows a console from its first byte until closed. */
export class ConsoleStream {
  #text = "";
  #failure: string | undefined;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(added: string) => void>();

  constructor(
    agent: AgentAddress,
    readonly domain: string,
  ) {
    const path = `/var/log/xen/console/guest-${domain}.log`;
    const onStdout = (bytes: Buffer): void => this.#take(bytes.toString("latin1"));
    request(
      agent,
      { op: "follow", path },
      { timeoutMs: FOLLOW_LIMIT_MS, onStdout, signal: this.#closing.signal },
    ).catch((error: unknown) => {
      this.#failure = describeError(error);
      this.#take("");
    });
  }

  /** All that has been written so far. */
  get text(): string {
    return this.#text;
  }

  /** Calls `listener` with everything written so far and then with what is added; returns what ends that. */
  onText(listener: (added: string) => void): () => void {
    if (this.#text !== "") listener(this.#text);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Waits until `pattern` matches what has been written from offset `from` on.
   *
   * @throws KaryonError CONSOLE_TIMEOUT with the end of the console, LAB_AGENT when the lab is gone
   */
  waitFor(pattern: RegExp, timeoutMs: number, from = 0): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const finish = (result: RegExpExecArray | KaryonError): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        if (result instanceof KaryonError) reject(result);
        else resolve(result);
      };
      const look = (): void => {
        const match = pattern.exec(this.#text.slice(from));
        if (match !== null) finish(match);
        else if (this.#failure !== undefined) finish(new KaryonError("LAB_AGENT", this.#failure));
      };
      const timer = setTimeout(() => {
        const end = this.#text.slice(-SHOWN_ON_TIMEOUT);
        const what = `the console of ${this.domain} does not show ${pattern} within ${timeoutMs} ms`;
        finish(new KaryonError("CONSOLE_TIMEOUT", `${what}; it ends:\n${end}`));
      }, timeoutMs);
      this.#listeners.add(look);
      look();
    });
  }

  /** Stops following. */
  close(): void {
    this.#closing.abort();
  }

  #take(added: string): void {
    this.#text += added;
    for (const listener of [...this.#listeners]) listener(added);
  }
}
