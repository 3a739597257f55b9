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

/**
 * What a domain uses: a struct xen_domctl_getdomaininfo of a list, read where it lies when it is asked. On a host with hundreds of
 * domains most of it is not, each time that one of them comes or goes.
 */
export class DomainUse {
  constructor(
    private readonly list: Buffer,
    private readonly at: number,
  ) {}

  get domain(): number {
    return this.list.readUInt16LE(this.at);
  }

  get uuid(): string {
    const digits = this.list.toString("hex", this.at + 76, this.at + 92);
    return [[0, 8], [8, 12], [12, 16], [16, 20], [20]].map(([from, to]) => digits.slice(from, to)).join("-");
  }

  get dying(): boolean {
    return (this.#flags & XEN_DOMINF_dying) !== 0;
  }

  get paused(): boolean {
    return (this.#flags & XEN_DOMINF_paused) !== 0;
  }

  /** SHUTDOWN_* of xen/sched.h; undefined while it runs. */
  get shutdown(): number | undefined {
    return (this.#flags & XEN_DOMINF_shutdown) === 0 ? undefined : (this.#flags >>> XEN_DOMINF_shutdownshift) & 0xff;
  }

  /** Frames that are charged to it. */
  get pages(): number {
    return Number(this.list.readBigUInt64LE(this.at + 8));
  }

  /** Time its virtual CPU has run, in ns. */
  get cpuTime(): bigint {
    return this.list.readBigUInt64LE(this.at + 56);
  }

  get #flags(): number {
    return this.list.readUInt32LE(this.at + 4);
  }
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
    for (let first = 0, count = DOMAINS_AT_ONCE; count === DOMAINS_AT_ONCE;) {
      const list = Buffer.alloc(DOMAIN_INFO_SIZE * DOMAINS_AT_ONCE);
      const result = this.#domains(this.control.handle, first, DOMAINS_AT_ONCE, list) as number;
      count = checked("xc_domain_getinfolist", result);
      for (let i = 0; i < count; i++) {
        const use = new DomainUse(list, i * DOMAIN_INFO_SIZE);
        all.set(use.domain, use);
        first = use.domain + 1;
      }
    }
    return all;
  }
}
