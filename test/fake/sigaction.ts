// sigaction() for apps in JavaScript.
import type { App } from "../../tools/fake-xen/coroutines.ts";
import type { Calls, Piece } from "./calls.ts";
import type { Scene } from "./process.ts";

const AT = 0x3100;
const SIZE = 12;

const SIGPIPE = 13;
const IGNORE = 1;

/** What is to be done about a signal. */
export interface Action {
  readonly handler: number;
  readonly flags?: number;
  readonly mask?: number;
}

/** What the call returns when it fails, else the handler that was there before. */
export function* sigaction(calls: Calls, signal: number, action?: Action): Piece<number> {
  const words = Uint32Array.of(action?.handler ?? 0, action?.flags ?? 0, action?.mask ?? 0);
  calls.put(AT, new Uint8Array(words.buffer));
  const result = yield* calls.call("posix_sigaction", signal, action === undefined ? 0 : AT, AT + SIZE);
  return result < 0 ? result : calls.get(AT + SIZE, 4).readUInt32LE();
}

/** As servers do: who writes to what nobody reads hears of it by EPIPE alone. */
export function* ignoreBrokenPipes(calls: Calls): Piece<void> {
  yield* sigaction(calls, SIGPIPE, { handler: IGNORE });
}

/** Notes what handlers are called with. */
export function* catches(
  { calls, guest }: Scene,
  signal: number,
  options: { readonly flags?: number; readonly mask?: number; readonly then?: (() => Piece<void>) | undefined } = {},
): Piece<number[]> {
  const seen: number[] = [];
  const handler = 0x8000 + signal * 8;
  guest.domain.signalHandlers.set(handler, function* (what): App {
    seen.push(what);
    if (options.then !== undefined) yield* options.then();
    return 0;
  });
  yield* sigaction(calls, signal, { handler, flags: options.flags ?? 0, mask: options.mask ?? 0 });
  return seen;
}
