// Like index.ts, with calls for which more of the kernel is in the image: an app that waits by epoll or catches signals pays for that at other
// calls, too, so these are measured in an app of their own.
import { opens, statuses, statusesOfOpen } from "./files";
import { Probe, obey } from "./obey";
import { epolls, polls, pollsOfMany } from "./readiness";
import { catches } from "./signals";
import { streams } from "./sockets";

export function main(_args: string[]): i32 {
  const probes = new Map<string, Probe>();
  probes.set("open-close", opens);
  probes.set("stat", statuses);
  probes.set("fstat", statusesOfOpen);
  probes.set("poll", polls);
  probes.set("poll-100", pollsOfMany);
  probes.set("epoll", epolls);
  probes.set("signal", catches);
  probes.set("unix", streams);
  return obey(probes);
}
