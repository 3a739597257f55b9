// The shell of a child: an empty domain like its parent, with the parent's frame numbers and the two event channels that
// every PV guest is born with.
import { FrameList } from "./page_tables.ts";
import type { XenControl } from "./xen/control.ts";

// What libxl gives a guest.
const LIMITS = { eventChannelPorts: 1023, grantFrames: 64, maptrackFrames: 1024 };

/** A domain with memory but nothing in it, paused. */
export interface Shell {
  readonly domain: number;
  readonly frames: FrameList;
  readonly sharedInfo: number;
  readonly storePort: number;
  readonly consolePort: number;
}

/** Creates a shell like `parent`, whose frames are `frames`; no domain is left when that fails. */
export function createShell(control: XenControl, parent: number, frames: FrameList, uuid: string): Shell {
  const like = control.info(parent);
  const domain = control.create(uuid, LIMITS);
  try {
    control.setLimits(domain, Math.max(like?.maximumPages ?? 0, frames.pfns.length));
    control.copyTime(parent, domain);
    const storePort = control.allocateEventChannel(domain);
    const consolePort = control.allocateEventChannel(domain);
    const given = control.populate(domain, frames.pfns);
    const list = new Uint32Array(frames.frames.length).fill(0xffffffff);
    for (const [i, pfn] of frames.pfns.entries()) list[pfn] = given[i] ?? 0xffffffff;
    const sharedInfo = control.info(domain)?.sharedInfoFrame ?? 0;
    return { domain, frames: new FrameList(list), sharedInfo, storePort, consolePort };
  } catch (error) {
    control.destroy(domain);
    throw error;
  }
}
