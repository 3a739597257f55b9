// An app in JavaScript on the real kernel (fake Xen), run to its end.
import assert from "node:assert/strict";
import { Host } from "../../../tools/fake-xen/host.ts";
import type { App } from "../../../tools/fake-xen/coroutines.ts";
import { filesBlob } from "../../../tools/image/files.ts";
import { Calls, type Piece } from "../../fake/calls.ts";

/** Errors, positive. */
export const ENOENT = 2;
export const EBADF = 9;
export const EFAULT = 14;
export const ENOTDIR = 20;
export const EINVAL = 22;
export const EMFILE = 24;

/** Where the apps of these tests put paths. */
const PATH = 0x2000;

/** What an app gets: the calls, virtual time, and calls with paths. */
export class Process extends Calls {
  /** ns since boot. */
  now: () => number = () => 0;

  *withPath(name: string, path: string, ...args: readonly number[]): Piece<number> {
    const bytes = Buffer.from(path);
    this.put(PATH, bytes);
    return yield* this.call(name, PATH, bytes.length, ...args);
  }
}

/**
 * Boots a domain without network whose app is `app`; returns when it has ended.
 *
 * @param files contents by path
 */
export function runApp(
  kernel: WebAssembly.Module,
  app: (process: Process) => Piece<void>,
  files: Readonly<Record<string, string>> = {},
): string {
  const host = new Host(kernel, 1);
  const blob = filesBlob(
    Object.entries(files).map(([path, text]) => ({
      path,
      data: Buffer.from(text),
      modified: 1_700_000_000_123_456_789n,
    })),
  );
  let failure: unknown;
  const guest = host.create({
    commandLine: "ip=off env.A=1 -- one two",
    files: blob,
    app: function* (domain): App {
      const process = new Process(domain);
      process.now = () => host.world.now;
      try {
        yield* app(process);
      } catch (error) {
        failure = error;
        return 1;
      }
      return 0;
    },
  });
  host.world.runUntil(() => guest.domain.shutdown !== undefined, 3600e9);
  if (failure !== undefined) throw failure;
  assert.equal(guest.domain.shutdown, "poweroff", guest.console);
  return guest.console;
}
