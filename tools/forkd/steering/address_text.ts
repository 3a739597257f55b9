// IP addresses as text, into the 16 bytes in which forkd and guests name them.
import { isIPv4, isIPv6 } from "node:net";
import { mapped } from "./flow.ts";

const GROUPS = 8;

/** The 16 bytes of an address, IPv4 mapped; undefined for what is none. */
export function addressBytes(text: string): Buffer | undefined {
  if (isIPv4(text)) return mapped(Uint8Array.from(text.split(".").map(Number)));
  if (!isIPv6(text) || text.includes(".") || text.includes("%")) return undefined;
  const [before = "", after] = text.split("::");
  const groups = (part: string): number[] => (part === "" ? [] : part.split(":").map((group) => parseInt(group, 16)));
  const [head, tail] = [groups(before), groups(after ?? "")];
  const zeros = Array.from({ length: GROUPS - head.length - tail.length }, () => 0);
  return Buffer.from([...head, ...zeros, ...tail].flatMap((group) => [group >> 8, group & 0xff]));
}
