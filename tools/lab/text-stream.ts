// Text that arrives over time, kept whole, with waiting for a pattern in it: a console.
import { KaryonError } from "../support/errors.ts";

const SHOWN_ON_TIMEOUT = 3000;

/** What has been written to a console, and what is being added. */
export class TextStream {
  #text = "";
  #failure: KaryonError | undefined;
  readonly #listeners = new Set<(added: string) => void>();

  /** @param title names the stream in error messages */
  constructor(readonly title: string) {}

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
   * @throws KaryonError CONSOLE_TIMEOUT with the end of the text; what fail() was given
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
        else if (this.#failure !== undefined) finish(this.#failure);
      };
      const timer = setTimeout(() => {
        const what = `${this.title} does not show ${pattern} within ${timeoutMs} ms`;
        finish(new KaryonError("CONSOLE_TIMEOUT", `${what}; it ends:\n${this.#text.slice(-SHOWN_ON_TIMEOUT)}`));
      }, timeoutMs);
      this.#listeners.add(look);
      look();
    });
  }

  /** Adds text. */
  protected take(added: string): void {
    this.#text += added;
    for (const listener of [...this.#listeners]) listener(added);
  }

  /** Says that no more will come, and why. */
  protected fail(reason: KaryonError): void {
    this.#failure = reason;
    this.take("");
  }
}
