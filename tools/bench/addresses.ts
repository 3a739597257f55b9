// An image at another address than its manifest says, so that one build serves for many guests.
import type { Image } from "../image/build.ts";
import { commandLine } from "../image/config.ts";

/** The line of an xl configuration that gives a guest of `image` the address "10.0.2.20/24". */
export function addressLine({ manifest }: Image, address: string): string {
  const network = manifest.network === false ? false : { ...manifest.network, address };
  return `extra = "${commandLine({ ...manifest, network }).replace(/["\\]/g, "\\$&")}"`;
}
