// An app in JavaScript as a process of a family: what the tests of fork, wait and signals have in common.
import assert from "node:assert/strict";
import { Host, type Guest } from "../../tools/fake-xen/host.ts";
import { Calls, type Piece } from "./calls.ts";
import { FakeForkd } from "./forkd.ts";
import { ignoreBrokenPipes } from "./sigaction.ts";

/** Where wait4 puts the status of a child. */
const STATUS = 0x5000;

export interface Scene {
  readonly calls: Calls;
  readonly host: Host;
  readonly guest: Guest;
  readonly forkd: FakeForkd;
}

export interface RunOptions {
  readonly commandLine?: string;
  /** Whether the body returns, as against being ended by a signal. */
  readonly ends?: boolean;
  /** Whether there is a forkd. */
  readonly served?: boolean;
}

/** How a run ended. */
export interface Ended {
  readonly forkd: FakeForkd;
  readonly console: string;
}

/** Runs `body` as the app of a domain that offers fork, once forkd serves it. It ignores SIGPIPE. */
export function runProcess(
  kernel: WebAssembly.Module,
  body: (scene: Scene) => Piece<void>,
  { commandLine = "ip=off fork=3", ends = true, served = commandLine.includes("fork=3") }: RunOptions = {},
): Ended {
  const host = new Host(kernel, 5);
  let failure: unknown;
  let done = false;
  const guest: Guest = host.create({
    commandLine,
    app: function* (domain) {
      const calls = new Calls(domain);
      try {
        yield* calls.sleep(1);
        yield* ignoreBrokenPipes(calls);
        yield* body({ calls, host, guest, forkd });
        done = true;
      } catch (error) {
        failure = error;
      }
      return 7;
    },
  });
  const forkd: FakeForkd = new FakeForkd(host, guest);
  if (served) forkd.attach();
  host.world.runUntil(() => guest.domain.shutdown !== undefined || failure !== undefined, 600e9);
  if (failure !== undefined) throw failure;
  assert.equal(done, ends, guest.console);
  return { forkd, console: guest.console };
}

export function fork(calls: Calls): Piece<number> {
  return calls.call("posix_fork");
}

/** wait4 with a place for the status: [result, status]. */
export function* wait(calls: Calls, pid: number, options = 0): Piece<readonly [number, number]> {
  calls.put(STATUS, Buffer.from([0xff, 0xff, 0xff, 0xff]));
  const result = yield* calls.call("posix_wait4", pid, STATUS, options, 0);
  return [result, calls.get(STATUS, 4).readInt32LE()];
}
