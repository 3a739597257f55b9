// The Xen host an appliance is started on: this machine when it is a Xen dom0, the lab otherwise. Both are seen through
// the same few operations.
import { execa } from "execa";
import { spawn, type ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { KaryonError } from "../support/errors.ts";
import { startForkd, type Forkd } from "../lab/forkd.ts";
import { Lab } from "../lab/lab.ts";
import { TextStream } from "../lab/text-stream.ts";

/** What starting an appliance needs of a Xen host. */
export interface XenHost {
  /** For people: where this is. */
  readonly title: string;
  /** `xl create`; returns the domain's name. */
  create(cfg: string): Promise<string>;
  console(name: string): TextStream;
  /** The host and port at which a guest's TCP port is reached from here. */
  reach(address: string, port: number, hostPort: number): Promise<string>;
  /** Resolves when no domain of that name is left. */
  gone(name: string): Promise<void>;
  /** Has a forkd serve the host's domains: starts one where none runs. */
  serveForks(): Promise<void>;
  /** Sends a signal to a process of a family; `domain` is its name. */
  signal(domain: string, signal: string): Promise<void>;
  /** `xl destroy`. */
  destroy(domain: string): Promise<void>;
  /** Takes the domain, its descendants and what was started for it, down. */
  close(name: string | undefined): Promise<void>;
}

const FORKD = ["--import", "tsx", fileURLToPath(new URL("../forkd/main.ts", import.meta.url))] as const;
const GONE_LIMIT_MS = 2 ** 31 - 1;

/** Whether this machine runs as Xen's dom0 with a toolstack. */
export async function isDom0(): Promise<boolean> {
  try {
    const capabilities = await readFile("/proc/xen/capabilities", "utf8");
    return capabilities.includes("control_d") && !(await execa("xl", ["info"], { reject: false })).failed;
  } catch {
    return false;
  }
}

/** The lab as a host. */
export async function labHost(): Promise<XenHost> {
  const lab = await Lab.start();
  let forkd: Forkd | undefined;
  return {
    title: "a Xen host inside QEMU",
    create: async (cfg) => (await lab.create(cfg)).name,
    console: (name) => lab.console(name),
    reach: async (address, port, hostPort) => `127.0.0.1:${await lab.hostForward(hostPort, address, port)}`,
    gone: async (name) => {
      // @releaseDomain fires whenever a domain ends; the time limit covers one that ended before the watch was set.
      const wait = "timeout 20 xenstore-watch -n 2 @releaseDomain";
      await lab.run(`while xl domid '${name}'; do ${wait}; done >/dev/null 2>&1`, { timeoutMs: GONE_LIMIT_MS });
    },
    serveForks: async () => {
      forkd = await startForkd(lab);
    },
    signal: async (domain, signal) => forkd?.signal(domain, signal),
    destroy: async (domain) => void (await lab.run(`xl destroy '${domain}'`)),
    close: () => lab.stop(),
  };
}

/** This machine as a host. */
export function dom0Host(): XenHost {
  const consoles: ChildProcess[] = [];
  let forkd: ChildProcess | undefined;
  return {
    title: "this Xen host",
    create: async (cfg) => {
      await xl("create", "-q", cfg);
      const name = /^name\s*=\s*"([^"]*)"/m.exec(await readFile(cfg, "utf8"))?.[1];
      if (name === undefined) throw new KaryonError("BAD_CONFIG", `${cfg} names no domain`);
      return name;
    },
    console: (name) => new XlConsole(name, consoles),
    reach: async (address, port) => (port === 80 ? address : `${address}:${port}`),
    gone: async (name) => {
      while (!(await execa("xl", ["domid", name], { reject: false })).failed) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    },
    serveForks: async () => {
      forkd = await ownForkd();
    },
    signal: async (domain, signal) => void (await execa(process.execPath, [...FORKD, "signal", domain, signal])),
    destroy: (domain) => xl("destroy", domain),
    close: async (name) => {
      for (const console of consoles) console.kill();
      if (name !== undefined) await destroyFamily(name);
      forkd?.kill();
    },
  };
}

/** Destroys a domain, and those that it has forked. */
async function destroyFamily(name: string): Promise<void> {
  const { stdout } = await execa("xl", ["list"], { reject: false });
  const names = stdout.split("\n").map((line) => line.split(" ")[0] ?? "");
  const family = names.filter((other) => other === name || new RegExp(`^${name}-\\d+$`).test(other));
  for (const member of family) await execa("xl", ["destroy", member], { reject: false });
}

/** A forkd of our own; undefined when another serves this host already. */
async function ownForkd(): Promise<ChildProcess | undefined> {
  const child = spawn(process.execPath, [...FORKD, "run"], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const outcome = await new Promise<string>((resolve) => {
    const hear = (bytes: Buffer): void => {
      said += bytes.toString();
      if (said.includes("forkd serves")) resolve("serves");
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", () => resolve("ended"));
  });
  if (outcome === "serves") return child;
  if (said.includes("FORKD_RUNS")) return undefined;
  throw new KaryonError("FORKD_START", `forkd does not start:\n${said.trim()}`);
}

/** Follows `xl console`. */
class XlConsole extends TextStream {
  constructor(name: string, children: ChildProcess[]) {
    super(`the console of ${name}`);
    const child = spawn("xl", ["console", name], { stdio: ["pipe", "pipe", "inherit"] });
    child.on("error", (error) => this.fail(new KaryonError("XL_FAILED", `xl console ${name}: ${error.message}`)));
    child.stdout.setEncoding("latin1").on("data", (added: string) => this.take(added));
    children.push(child);
  }
}

async function xl(...args: string[]): Promise<void> {
  const result = await execa("xl", args, { reject: false });
  if (!result.failed) return;
  const mend = "xl needs root on a Xen host; KARYON_HOST=lab uses the lab instead";
  throw new KaryonError("XL_FAILED", `xl ${args.join(" ")}: ${result.stderr.trim()}`, mend);
}
