// What a write gets whose reader has gone: EPIPE, and the process SIGPIPE (write(2), send(2)), which is its end unless the app has said otherwise.
// Such an app has the rest in its image; in another nothing can have been said.
import { EPIPE } from "../../kernel/errno";
import { brokenPipeRaised } from "../../kernel/optional/with_signal";
import { SIGPIPE } from "../posix/signal_constants";
import { appEndBySignal } from "./app";

/** Raises SIGPIPE; returns -EPIPE, unless that ends the process. Called by a thread that has no lock. */
export function brokenPipe(): i32 {
  if (!brokenPipeRaised()) appEndBySignal(SIGPIPE);
  return -EPIPE;
}
