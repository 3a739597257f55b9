// Which functions of the kernel are compiled for speed where speed is the aim (native.ts): those on the way of packets, bytes and
// requests. All else – boot, configuration, drivers' set-up, errors, protocols that only keep the link going – runs seldom and is
// compiled for size. So a new source takes little room until a profile (`npm run bench -- profile`) says that it belongs here.
import type { ModuleName } from "./translate.ts";

/** How a function is compiled: by the aim of its unit, for size or for speed; and whether it is never put into its callers. */
export type Placement = "" | "KERNEL_COLD" | "KERNEL_HOT" | "KERNEL_APART" | "KERNEL_HOT KERNEL_APART";

// Sources, and folders of them.
const TRAFFIC = [
  "kernel/event_channel",
  "kernel/list",
  "kernel/memory/pages",
  "kernel/memory/slab",
  "kernel/ring",
  "kernel/thread",
  "kernel/time",
  "kernel/work",
  "kernel/xen/hypercall",
  "libos/net/addresses",
  "libos/net/device",
  "libos/net/ethernet_output",
  "libos/net/interface",
  "libos/net/ip/address",
  "libos/net/ip/output",
  "libos/net/ip/path_mtu",
  "libos/net/ip/routing",
  "libos/net/ipv4/input",
  "libos/net/ipv4/output",
  "libos/net/ipv4/routing",
  "libos/net/ipv6/addresses",
  "libos/net/ipv6/flow_label",
  "libos/net/ipv6/input",
  "libos/net/ipv6/output",
  "libos/net/netfront",
  "libos/net/network",
  "libos/net/siphash",
  "libos/net/tcp",
  "libos/net/transport",
  "libos/net/udp/input",
  "libos/net/udp/output",
  "libos/net/wire",
  "libos/posix/address",
  "libos/posix/deadline",
  "libos/posix/device_file",
  "libos/posix/epoll/look",
  "libos/posix/epoll/ready",
  "libos/posix/epoll/wait",
  "libos/posix/poll",
  "libos/posix/read_write",
  "libos/posix/readiness",
  "libos/posix/socket_file",
  "libos/posix/sockets",
  "libos/posix/stream",
  "libos/posix/time",
  "libos/process/descriptors",
  "libos/process/open_file",
  "libos/process/user_memory",
  "~lib",
];

// Of those, what is for rare packets and states.
const SELDOM = [
  "libos/net/tcp/api",
  "libos/net/tcp/auto_tuning",
  "libos/net/tcp/black_hole",
  "libos/net/tcp/challenge",
  "libos/net/tcp/cookie_handshake",
  "libos/net/tcp/duplicate_sack",
  "libos/net/tcp/icmp",
  "libos/net/tcp/info",
  "libos/net/tcp/socket_options",
  "libos/net/tcp/syn_cookie",
  "libos/net/tcp/trace",
  "libos/net/tcp/undo",
  "libos/net/wire/arp",
  "libos/net/wire/dhcp",
  "libos/net/wire/dns",
  "libos/net/wire/icmpv4",
  "libos/net/wire/icmpv6",
  "libos/net/wire/mld",
  "libos/net/wire/ndp",
];

// Loops over every byte of traffic, and pipes, which only those images have that use them: for speed, whatever the aim.
const LOOPS = ["kernel/random", "libos/net/wire/checksum", "libos/pipe/pipe", "libos/posix/pipe"];

/**
 * What stays a function of its own, for binaryen and for the C compiler, although few call it: put into a short function that
 * calls it seldom, it would have that save registers that the short way does not need.
 */
export const APART: readonly string[] = [
  "kernel/thread/wait_queue/wakeFrom",
  "libos/pipe/pipe/hungUpEvents",
  "libos/pipe/pipe/pipeTake",
  "libos/pipe/pipe/pipeWriterEvents",
  "libos/posix/console_file/consoleFileEvents",
  "libos/posix/device_file/randomRead",
  "libos/posix/device_file/zeroesRead",
  "libos/posix/epoll/look/entryReadiness",
  "libos/posix/epoll/look/readinessByOthers",
  "libos/posix/epoll/ready/epollCollect",
  "libos/posix/epoll/ready/pollersTell",
  "libos/posix/epoll/ready/wakeThread",
  "libos/posix/epoll/wait/collect",
  "libos/posix/epoll/wait/collectLater",
  "libos/posix/pipe/transferLater",
  "libos/posix/pipe/writeSignalling",
  "libos/posix/poll/pollLater",
  "libos/posix/read_write/transferHeld",
];

/** All sources and folders that are listed here. */
export const LISTED: readonly string[] = [...TRAFFIC, ...SELDOM, ...LOOPS];

// Functions of no more lines of C than this are left to the compiler, which puts them into their callers: it takes a call of a
// function that is for size as a sign that the caller, there, runs seldom.
const SHORT_LINES = 16;

/**
 * How a function is to be compiled.
 *
 * @param debugName as in "kernel/log/log"
 * @param lines of C in its body
 */
export function placement(module: ModuleName, debugName: string, lines: number): Placement {
  const among = (sources: readonly string[]): boolean => sources.some((source) => debugName.startsWith(`${source}/`));
  if (module === "app") return "";
  const isApart = APART.includes(debugName);
  if (among(LOOPS)) return isApart ? "KERNEL_HOT KERNEL_APART" : "KERNEL_HOT";
  if (isApart) return "KERNEL_APART";
  return (among(TRAFFIC) && !among(SELDOM)) || lines <= SHORT_LINES ? "" : "KERNEL_COLD";
}
