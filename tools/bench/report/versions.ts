// The versions of everything that a figure depends on.
import { execa } from "execa";
import { repositoryPath } from "../../image/paths.ts";
import { storedVersions } from "../../debian/packages.ts";
import { hostTool, type HostToolName } from "../../debian/tools.ts";

/** Debian's, where they have been fetched. */
const PACKAGES = [
  /^xen-hypervisor-/,
  /^linux-image-\d.*amd64$/,
  /^nginx$/,
  /^apache2-bin$/,
  /^redis-server$/,
  /^memcached$/,
  /^apache2-utils$/,
  /^curl$/,
] as const;
const PROGRAMS: readonly HostToolName[] = ["qemu-system-x86_64", "gcc"];

/** What is measured, with what, against what: name → version. */
export async function versions(): Promise<Record<string, string>> {
  const stored = await storedVersions();
  const packages = PACKAGES.flatMap((wanted) => [...stored].filter(([name]) => wanted.test(name)));
  const programs = await Promise.all(PROGRAMS.map(async (name) => [name, await programVersion(name)] as const));
  return { karyon: await commit(), node: process.version, ...Object.fromEntries([...programs, ...packages]) };
}

async function programVersion(name: HostToolName): Promise<string> {
  const { command, args, env } = await hostTool(name);
  const { stdout } = await execa(command, [...args, "--version"], { env, reject: false });
  return /\d+\.\d+(?:\.\d+)?/.exec(stdout ?? "")?.[0] ?? "unknown";
}

/** The commit that is checked out, "-dirty" when sources have changed since; "unknown" outside of a repository. */
async function commit(): Promise<string> {
  const { stdout, failed } = await execa("git", ["describe", "--always", "--dirty"], {
    cwd: repositoryPath("."),
    reject: false,
  });
  return failed ? "unknown" : stdout;
}
