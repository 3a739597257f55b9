// An image at another address than its manifest says, so that one build serves for many guests.
import type { Image } from "../image/build.ts";
import { commandLine } from "../image/config.ts";

/** The line of an xl configuration that gives a guest of `image` the address "10.0.2.20/24", and of IPv6 `ipv6`, "fd00::20/64". */
export function addressLine({ manifest }: Image, address: string, ipv6?: string): string {
  const settings = { ...manifest.network, address, ...(ipv6 === undefined ? {} : { ipv6: { address: ipv6 } }) };
  const network = manifest.network === false ? false : settings;
  return `extra = "${commandLine({ ...manifest, network }).replace(/["\\]/g, "\\$&")}"`;
}
