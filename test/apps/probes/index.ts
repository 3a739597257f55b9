// Does on command what `npm run bench -- calls` measures, beside a program on Linux that obeys the same lines (tools/peers/probes): the calls
// that any app makes. It does without the network of its manifest, which is there because the kernel of an app with one is compiled for speed.
import { getppids, reads, writes } from "./calls";
import { Probe, obey } from "./obey";
import { bytes, roundTrips } from "./pipes";

export function main(_args: string[]): i32 {
  const probes = new Map<string, Probe>();
  probes.set("getppid", getppids);
  probes.set("read", reads);
  probes.set("write", writes);
  probes.set("pipe", bytes);
  probes.set("ping-pong-threads", roundTrips);
  return obey(probes);
}
