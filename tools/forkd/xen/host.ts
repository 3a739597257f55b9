// What Xen says of the host and of all domains at once: xc_physinfo and xc_domain_getinfolist of Xen 4.17
// (xen/sysctl.h, xen/domctl.h). Reads only.
import type { XenControl } from "./control.ts";
import { checked, loadLibrary, XEN_VERSION } from "./library.ts";

/** struct xen_sysctl_physinfo. */
const PHYSINFO_SIZE = 112;
const PHYSINFO_FREE_PAGES = 48;
const PHYSINFO_OUTSTANDING_PAGES = 64;
/** struct xen_domctl_getdomaininfo. */
const DOMAIN_INFO_SIZE = 112;
const XEN_DOMINF_dying = 1 << 0;
const XEN_DOMINF_shutdown = 1 << 2;
const XEN_DOMINF_paused = 1 << 3;
const XEN_DOMINF_shutdownshift = 16;
const DOMAINS_AT_ONCE = 256;

/** What a domain uses. */
export interface DomainUse {
  readonly domain: number;
  readonly uuid: string;
  readonly dying: boolean;
  readonly paused: boolean;
  /** SHUTDOWN_* of xen/sched.h; undefined while it runs. */
  readonly shutdown: number | undefined;
  /** Frames that are charged to it. */
  readonly pages: number;
  /** Time its virtual CPU has run, in ns. */
  readonly cpuTime: bigint;
}

/** Reads what the host has and its domains use. */
export class Host {
  readonly #library = loadLibrary(`libxenctrl.so.${XEN_VERSION}`);
  readonly #physinfo = this.#library.func("int xc_physinfo(void *xch, void *info)");
  readonly #domains = this.#library.func(
    "int xc_domain_getinfolist(void *xch, uint32_t first, unsigned int max, void *info)",
  );

  constructor(private readonly control: XenControl) {}

  /** Memory that a new domain can have, in pages. */
  freePages(): number {
    const info = Buffer.alloc(PHYSINFO_SIZE);
    checked("xc_physinfo", this.#physinfo(this.control.handle, info) as number);
    return Number(info.readBigUInt64LE(PHYSINFO_FREE_PAGES) - info.readBigUInt64LE(PHYSINFO_OUTSTANDING_PAGES));
  }

  /** All domains by number, domain 0 included. */
  domains(): Map<number, DomainUse> {
    const all = new Map<number, DomainUse>();
    const raw = Buffer.alloc(DOMAIN_INFO_SIZE * DOMAINS_AT_ONCE);
    for (let first = 0, count = DOMAINS_AT_ONCE; count === DOMAINS_AT_ONCE;) {
      const result = this.#domains(this.control.handle, first, DOMAINS_AT_ONCE, raw) as number;
      count = checked("xc_domain_getinfolist", result);
      for (let i = 0; i < count; i++) {
        const use = decode(raw.subarray(i * DOMAIN_INFO_SIZE, (i + 1) * DOMAIN_INFO_SIZE));
        all.set(use.domain, use);
        first = use.domain + 1;
      }
    }
    return all;
  }
}

function decode(info: Buffer): DomainUse {
  const flags = info.readUInt32LE(4);
  return {
    domain: info.readUInt16LE(0),
    dying: (flags & XEN_DOMINF_dying) !== 0,
    paused: (flags & XEN_DOMINF_paused) !== 0,
    shutdown: (flags & XEN_DOMINF_shutdown) === 0 ? undefined : (flags >>> XEN_DOMINF_shutdownshift) & 0xff,
    uuid: info.toString("hex", 76, 92).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    pages: Number(info.readBigUInt64LE(8)),
    cpuTime: info.readBigUInt64LE(56),
  };
}
