// The domain's configuration file (xl.cfg(5)) and the kernel command line in it (kernel/command_line.ts):
// options, then " -- " and the app's arguments.
import { KaryonError } from "../support/errors.ts";
import { diskDevice, diskFile } from "./disks.ts";
import { sizeText, type Manifest } from "./manifest.ts";

// start_info.cmd_line has MAX_GUEST_CMDLINE bytes, the final NUL included (xen.h). The toolstack fills it with what fits and says nothing: the kernel
// takes one that is full for one that was cut.
const LONGEST_COMMAND_LINE = 1022;
const MEBIBYTE = 1024 * 1024;

/**
 * The text of `<name>.cfg`.
 *
 * @param kernel absolute path of the image
 * @throws KaryonError COMMAND_LINE_TOO_LONG
 */
export function domainConfig(manifest: Manifest, kernel: string): string {
  const lines = [
    `# Made by Karyon: xl create ${manifest.name}.cfg`,
    'type = "pv"',
    `name = ${quote(manifest.name)}`,
    `kernel = ${quote(kernel)}`,
    `memory = ${Math.ceil(manifest.memory / MEBIBYTE)}`,
    "vcpus = 1",
    // The clock is Xen's pvclock, which keeps its scale over a migration: no need for Xen to emulate each RDTSC.
    'tsc_mode = "native"',
    ...diskLines(manifest, kernel),
    `vif = [${manifest.network === false ? "" : ` ${quote(vif(manifest.network))} `}]`,
    `extra = ${quote(commandLine(manifest))}`,
    'on_poweroff = "destroy"',
    'on_reboot = "restart"',
    'on_crash = "destroy"',
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * The kernel command line: `ip=… stack=… env.NAME=value -- argument "argument with blanks"`.
 *
 * @throws KaryonError COMMAND_LINE_TOO_LONG
 */
export function commandLine(manifest: Manifest): string {
  const words = [`ip=${ipOption(manifest)}`, ...ipv6Options(manifest)];
  if (manifest.stack !== undefined) words.push(`stack=${manifest.stack / 1024}K`);
  if (manifest.fork !== undefined) words.push(...forkOptions(manifest.fork));
  for (const [mount, size] of Object.entries(manifest.tmpfs)) words.push(word(`tmpfs=${mount}:${sizeText(size)}`));
  for (const [index, mount] of Object.keys(manifest.disks).entries()) {
    words.push(word(`disk=${diskDevice(index)}:${mount}`));
  }
  words.push(...preopenOptions(manifest));
  for (const [name, value] of Object.entries(manifest.environment)) words.push(`env.${name}=${word(value)}`);
  if (manifest.arguments.length > 0) words.push("--", ...manifest.arguments.map(word));
  const text = words.join(" ");
  if (text.length > LONGEST_COMMAND_LINE) {
    throw new KaryonError(
      "COMMAND_LINE_TOO_LONG",
      `arguments and environment take ${text.length} bytes of the command line, ${LONGEST_COMMAND_LINE} fit`,
      "embed a file instead (the manifest's files)",
    );
  }
  return text;
}

/** xl-disk-configuration(5): the target comes last, for it is all of the rest. */
function diskLines(manifest: Manifest, kernel: string): string[] {
  const disks = Object.values(manifest.disks).map((source, index) => {
    const target = diskFile(source, index, kernel);
    return quote(`format=raw,vdev=${diskDevice(index)},access=rw,target=${target}`);
  });
  return disks.length === 0 ? [] : [`disk = [ ${disks.join(", ")} ]`];
}

function preopenOptions({ preopens }: Manifest): string[] {
  if (preopens === undefined) return [];
  const options = Object.entries(preopens).map(([name, directory]) => word(`preopen=${name}:${directory}`));
  return options.length > 0 ? options : ["preopen=off"];
}

function forkOptions({ children, memory, rate }: NonNullable<Manifest["fork"]>): string[] {
  const words = [`fork=${children}`];
  if (memory !== undefined) words.push(`fork-memory=${sizeText(memory)}`);
  if (rate !== undefined) words.push(`fork-rate=${rate}`);
  return words;
}

function ipOption({ network }: Manifest): string {
  if (network === false) return "off";
  const parts = [network.address];
  if (network.gateway !== undefined) parts.push(`gateway=${network.gateway}`);
  if (network.dns !== undefined) parts.push(`dns=${network.dns}`);
  return parts.join(",");
}

function ipv6Options({ network }: Manifest): string[] {
  if (network === false || network.ipv6 === undefined) return [];
  if (network.ipv6 === "off") return ["ip6=off"];
  const { address = "auto", gateway } = network.ipv6;
  return [`ip6=${address}${gateway === undefined ? "" : `,gateway=${gateway}`}`];
}

function vif({ bridge, mac }: Exclude<Manifest["network"], false>): string {
  const parts = [];
  if (mac !== undefined) parts.push(`mac=${mac}`);
  if (bridge !== undefined) parts.push(`bridge=${bridge}`);
  return parts.join(",");
}

// Blanks separate words; double quotes hold one together, a backslash takes the next character literally.
function word(text: string): string {
  return /^[^\s"\\]+$/.test(text) ? text : `"${text.replace(/["\\]/g, "\\$&")}"`;
}

// xl.cfg strings know backslash escapes in either kind of quotes.
function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
