// A domain's console as xenconsoled logs it. Nothing is lost between creation and the first look, and it can still be
// read when the domain is gone.
import { KaryonError, describeError } from "../support/errors.ts";
import { request, type AgentAddress } from "./client.ts";
import { TextStream } from "./text-stream.ts";

const FOLLOW_LIMIT_MS = 2 ** 31 - 1;

/** Follows a console from its first byte until closed. */
export class ConsoleStream extends TextStream {
  readonly #closing = new AbortController();

  constructor(agent: AgentAddress, domain: string) {
    super(`the console of ${domain}`);
    const path = `/var/log/xen/console/guest-${domain}.log`;
    const onStdout = (bytes: Buffer): void => this.take(bytes.toString("latin1"));
    const options = { timeoutMs: FOLLOW_LIMIT_MS, onStdout, signal: this.#closing.signal };
    request(agent, { op: "follow", path }, options).catch((error: unknown) =>
      this.fail(error instanceof KaryonError ? error : new KaryonError("LAB_AGENT", describeError(error))),
    );
  }

  /** Stops following. */
  close(): void {
    this.#closing.abort();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
