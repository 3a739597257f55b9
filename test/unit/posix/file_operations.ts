// Random operations on files of a guest and, the same ones, on a directory of the host.
import assert from "node:assert/strict";
import type { Piece } from "../../fake/calls.ts";
import type { Random } from "../../support/random.ts";
import type { FileCalls } from "./file_calls.ts";
import {
  type FileStatus,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_TMPFILE,
  O_TRUNC,
  S_IFDIR,
  S_IFMT,
} from "./file_calls.ts";
import { type Description, host } from "./host_files.ts";

const NAMES = ["a", "b", "c", "dd", "e".repeat(255), "ü"];
const MOST_OPEN = 24;

/** An operation: what it is, for messages, and how it is done here and there. */
interface Operation {
  readonly text: string;
  readonly guest: (files: FileCalls) => Piece<unknown>;
  readonly host: () => unknown;
}

function described(status: FileStatus | number): Description | number {
  if (typeof status === "number") return status;
  return [status.mode, status.links, (status.mode & S_IFMT) === S_IFDIR ? 0 : status.size];
}

/** Makes operations at random below `base`; remembers which descriptors are open, in the guest and on the host. */
export class Operations {
  private readonly open: { guest: number; host: number; path: string }[] = [];

  constructor(
    private readonly random: Random,
    private readonly base: string,
  ) {}

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.between(0, choices.length - 1)] as T;
  }

  private chance(probability: number): boolean {
    return this.random.fraction() < probability;
  }

  /** A path; ".." at most once, so that none leads far out of `base`. */
  private path(dots = true): string {
    const names = Array.from({ length: this.random.between(1, this.chance(0.2) ? 4 : 2) }, () => this.pick(NAMES));
    if (this.chance(0.02)) names.push("f".repeat(256));
    if (this.chance(0.05)) names.splice(this.random.between(0, names.length), 0, ".");
    if (dots && this.chance(0.08)) names.splice(this.random.between(1, names.length), 0, "..");
    let text = names.join(this.chance(0.05) ? "//" : "/");
    if (this.chance(0.06)) text += "/";
    return this.chance(0.4) ? text : `${this.base}/${text}`;
  }

  private onPath(name: "mkdir" | "chmod" | "access"): Operation {
    const path = this.path();
    const mode = name === "access" ? this.random.between(0, 7) : this.pick([0, 0o777, 0o640, 0o1777, 0o2755, 0o4711]);
    return {
      text: `${name} ${path} ${mode.toString(8)}`,
      guest: (files) => files[name](path, mode),
      host: () => host[name](path, mode),
    };
  }

  private onPlainPath(name: "unlink" | "rmdir" | "readlink"): Operation {
    const path = this.path();
    return { text: `${name} ${path}`, guest: (files) => files[name](path), host: () => host[name](path) };
  }

  private chdir(): Operation {
    const path = this.chance(0.3) ? this.base : this.path(false);
    return { text: `chdir ${path}`, guest: (files) => files.chdir(path), host: () => host.chdir(path) };
  }

  private getcwd(): Operation {
    const told = (cwd: string | number): string | number =>
      typeof cwd === "string" && cwd.endsWith(" (deleted)") ? -2 : cwd;
    return { text: "getcwd", guest: (files) => files.getcwd(), host: () => told(host.getcwd()) };
  }

  private onTwoPaths(name: "rename" | "link" | "symlink"): Operation {
    const from = this.path(name !== "symlink");
    const to = this.path();
    return {
      text: `${name} ${from} ${to}`,
      guest: (files) => files[name](from, to),
      host: () => host[name](from, to),
    };
  }

  private status(name: "stat" | "lstat"): Operation {
    const path = this.path();
    return {
      text: `${name} ${path}`,
      guest: function* (files): Piece<unknown> {
        return described(yield* files[name](path));
      },
      host: () => host[name](path),
    };
  }

  private readdir(): Operation {
    const path = this.chance(0.3) ? this.base : this.path();
    return {
      text: `readdir ${path}`,
      guest: function* (files): Piece<unknown> {
        const names = yield* files.readdir(path);
        return typeof names === "number" ? names : names.sort();
      },
      host: () => host.readdir(path),
    };
  }

  private openFile(): Operation {
    const unnamed = this.chance(0.1);
    const path = unnamed && this.chance(0.5) ? this.base : this.path();
    let flags = this.pick([0, 1, 2, 2]);
    if (unnamed) flags |= O_TMPFILE;
    if (this.chance(unnamed ? 0.05 : 0.6)) flags |= O_CREAT;
    if (this.chance(0.15)) flags |= O_EXCL;
    if (this.chance(0.15)) flags |= O_TRUNC;
    if (this.chance(0.15)) flags |= O_APPEND;
    if (this.chance(0.1)) flags |= O_NOFOLLOW;
    if (this.chance(0.05) && (flags & O_CREAT) === 0) flags |= O_DIRECTORY;
    // O_EXCL means something with these only.
    if ((flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) === 0) flags &= ~O_EXCL;
    const mode = this.pick([0o666, 0o600, 0o755]);
    const { open } = this;
    return {
      text: `open ${path} ${flags.toString(16)} ${mode.toString(8)}`,
      guest: function* (files): Piece<unknown> {
        const fd = yield* files.open(path, flags, mode);
        if (fd < 0) return fd;
        open.push({ guest: fd, host: -1, path });
        return "opened";
      },
      host: () => {
        const fd = host.open(path, flags, mode);
        if (fd < 0) return fd;
        const last = open.at(-1);
        if (last?.host === -1) last.host = fd;
        else host.close(fd);
        return "opened";
      },
    };
  }

  private onDescriptor(): Operation {
    const at = this.random.between(0, this.open.length - 1);
    const { guest, host: twin, path } = this.open[at] ?? { guest: -1, host: -1, path: "" };
    const name = this.pick(["close", "write", "write", "pwrite", "read", "pread", "ftruncate", "fstat"] as const);
    const offset = this.chance(0.1) ? this.random.between(0, 5_000_000) : this.random.between(0, 20_000);
    // Node asks nobody for nothing.
    const length = this.random.between(1, this.chance(0.2) ? 9000 : 200);
    const bytes = this.random.bytes(length);
    const text = `${name} ${path} (${guest}) length ${length} offset ${offset}`;
    switch (name) {
      case "close":
        this.open.splice(at, 1);
        return { text, guest: (files) => files.close(guest), host: () => host.close(twin) };
      case "write":
        return { text, guest: (files) => files.write(guest, bytes), host: () => host.write(twin, bytes) };
      case "pwrite":
        return {
          text,
          guest: (files) => files.pwrite(guest, bytes, offset),
          host: () => host.pwrite(twin, bytes, offset),
        };
      case "read":
        return { text, guest: (files) => files.read(guest, length), host: () => host.pread(twin, length, null) };
      case "pread":
        return {
          text,
          guest: (files) => files.pread(guest, length, offset),
          host: () => host.pread(twin, length, offset),
        };
      case "ftruncate":
        return { text, guest: (files) => files.ftruncate(guest, offset), host: () => host.ftruncate(twin, offset) };
      case "fstat":
        return {
          text,
          guest: function* (files): Piece<unknown> {
            return described(yield* files.fstat(guest));
          },
          host: () => host.fstat(twin),
        };
    }
  }

  next(): Operation {
    if (this.open.length > MOST_OPEN || (this.open.length > 0 && this.chance(0.35))) return this.onDescriptor();
    const name = this.pick([
      ...(["open", "open", "open", "mkdir", "mkdir", "unlink", "rmdir", "rename", "rename", "link"] as const),
      ...(["symlink", "readlink", "chmod", "access", "stat", "lstat", "readdir", "chdir", "getcwd"] as const),
    ]);
    switch (name) {
      case "open":
        return this.openFile();
      case "mkdir":
      case "chmod":
      case "access":
        return this.onPath(name);
      case "unlink":
      case "rmdir":
      case "readlink":
        return this.onPlainPath(name);
      case "rename":
      case "link":
      case "symlink":
        return this.onTwoPaths(name);
      case "stat":
      case "lstat":
        return this.status(name);
      case "readdir":
        return this.readdir();
      case "chdir":
        return this.chdir();
      case "getcwd":
        return this.getcwd();
    }
  }

  /** Closes what is open on the host. */
  closeHost(): void {
    for (const { host: fd } of this.open) if (fd >= 0) host.close(fd);
  }

  guestDescriptors(): readonly number[] {
    return this.open.map(({ guest }) => guest);
  }
}

/** Compares all that is below `directory`; how many names that are. */
export function* compareTrees(files: FileCalls, directory: string): Piece<number> {
  const names = host.readdir(directory);
  const here = yield* files.readdir(directory);
  assert.ok(typeof here !== "number" && typeof names !== "number", directory);
  assert.deepEqual(here.sort(), names);
  let count = names.length;
  for (const name of names) {
    const path = `${directory}/${name}`;
    const status = host.lstat(path);
    assert.deepEqual(described(yield* files.lstat(path)), status, path);
    if (typeof status === "number") continue;
    const type = status[0] & S_IFMT;
    if (type === S_IFDIR) count += yield* compareTrees(files, path);
    else assert.deepEqual(yield* files.readlink(path), host.readlink(path));
    if (type !== 0x8000) continue;
    const fd = host.open(path, 0, 0);
    assert.deepEqual(yield* files.contents(path), host.pread(fd, status[2], 0), path);
    host.close(fd);
  }
  return count;
}

/** What `count` operations have come to: those that succeeded, and the kinds of errors. */
export interface Outcome {
  readonly succeeded: number;
  readonly errors: ReadonlySet<string>;
}

/** Makes the directories of `base` in the guest and goes there; has `count` operations done here and there, and compares all results. */
export function* operate(files: FileCalls, operations: Operations, base: string, count: number): Piece<Outcome> {
  const errors = new Set<string>();
  let succeeded = 0;
  yield* files.call("umask", 0);
  const parts = base.split("/").slice(1);
  for (let i = 1; i <= parts.length; i++) yield* files.mkdir(`/${parts.slice(0, i).join("/")}`, 0o777);
  assert.equal(yield* files.chdir(base), 0);
  const log: string[] = [];
  for (let i = 0; i < count; i++) {
    const operation = operations.next();
    const got = yield* operation.guest(files);
    const expected = operation.host();
    log.push(`${operation.text} = ${String(expected)}`);
    assert.deepEqual(got, expected, `operation ${i}:\n${log.slice(-30).join("\n")}\nhere ${String(got)}`);
    if (typeof expected === "number" && expected < 0) errors.add(`${operation.text.split(" ")[0]} ${expected}`);
    else succeeded++;
  }
  return { succeeded, errors };
}

/** Removes what is at `path`, and below. */
export function* remove(files: FileCalls, path: string): Piece<void> {
  const status = yield* files.lstat(path);
  assert.ok(typeof status !== "number", path);
  if ((status.mode & S_IFMT) !== S_IFDIR) {
    assert.equal(yield* files.unlink(path), 0);
    return;
  }
  for (const name of (yield* files.readdir(path)) as string[]) yield* remove(files, `${path}/${name}`);
  assert.equal(yield* files.rmdir(path), 0);
}
