// What can be fuzzed: harnesses in test/fuzz, and the corpus that is kept of each.
import { repositoryPath } from "../image/paths.ts";

/** What each target is about, by its name. */
export const TARGETS = {
  frames: "Ethernet frames into the whole stack: ARP, IP, ICMP, UDP, TCP, DHCP",
  dns: "a name server's response to one question",
  netfront: "a malicious back end: rings, xenstore values, events, grants in use",
} as const;

export type TargetName = keyof typeof TARGETS;

export const TARGET_NAMES = Object.keys(TARGETS) as TargetName[];

/** The source, without ".ts". */
export function targetSource(name: string): string {
  return `test/fuzz/harness_${name}`;
}

/** The corpus in the repository. */
export function targetCorpus(name: string): string {
  return repositoryPath(`test/fuzz/corpus/${name}`);
}

/** Where the program, longer runs' corpora and findings lie. */
export function targetFolder(name: string): string {
  return repositoryPath(`build/fuzz/${name}`);
}
