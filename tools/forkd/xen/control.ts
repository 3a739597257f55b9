// libxenctrl: the domctl, memory and page-table operations of a toolstack (xenctrl.h and xen/domctl.h of Xen 4.17).
import koffi from "koffi";
import { KaryonError } from "../../support/errors.ts";
import { checked, checkedPointer, frameArray, loadLibrary, XEN_VERSION, type Pointer } from "./library.ts";

const XENVER_version = 0;
const XEN_DOMINF_dying = 1 << 0;
const XEN_DOMINF_shutdown = 1 << 2;
const XEN_DOMINF_paused = 1 << 3;
const XEN_DOMINF_shutdownshift = 16;
const MMUEXT_PIN_L4_TABLE = 3;
const GRANT_VERSION = 1;
const PAGE_SIZE = 4096;
const [ENOMEM, EBUSY] = [12, 16];

/** Reason of a shutdown: the domain has done its work (xen/sched.h). */
export const SHUTDOWN_poweroff = 0;

/** Size of struct vcpu_guest_context of a 64-bit guest. */
export const VCPU_CONTEXT_SIZE = 5168;

/** What Xen says of a domain. */
export interface DomainInfo {
  readonly uuid: string;
  readonly dying: boolean;
  readonly paused: boolean;
  /** SHUTDOWN_* of xen/sched.h; undefined while it runs. */
  readonly shutdown: number | undefined;
  readonly pages: number;
  readonly maximumPages: number;
  readonly sharedInfoFrame: number;
}

/** What a new domain may have. */
export interface DomainLimits {
  readonly eventChannelPorts: number;
  readonly grantFrames: number;
  readonly maptrackFrames: number;
}

/** A handle on libxenctrl. */
export class XenControl {
  readonly #library = loadLibrary(`libxenctrl.so.${XEN_VERSION}`);
  readonly #calls = {
    version: this.#library.func("int xc_version(void *xch, int cmd, void *arg)"),
    create: this.#library.func("int xc_domain_create(void *xch, void *domid, void *config)"),
    maxVcpus: this.#library.func("int xc_domain_max_vcpus(void *xch, uint32_t domid, unsigned int max)"),
    setMaxMem: this.#library.func("int xc_domain_setmaxmem(void *xch, uint32_t domid, uint64_t kib)"),
    pause: this.#library.func("int xc_domain_pause(void *xch, uint32_t domid)"),
    shutdown: this.#library.func("int xc_domain_shutdown(void *xch, uint32_t domid, int reason)"),
    unpause: this.#library.func("int xc_domain_unpause(void *xch, uint32_t domid)"),
    destroy: this.#library.func("int xc_domain_destroy(void *xch, uint32_t domid)"),
    info: this.#library.func("int xc_domain_getinfolist(void *xch, uint32_t first, unsigned int max, void *info)"),
    getTsc: this.#library.func(
      "int xc_domain_get_tsc_info(void *xch, uint32_t domid, void *mode, void *elapsed, void *khz, void *incarnation)",
    ),
    setTsc: this.#library.func(
      "int xc_domain_set_tsc_info(void *xch, uint32_t domid, uint32_t mode, uint64_t elapsed, uint32_t khz, uint32_t incarnation)",
    ),
    allocUnbound: this.#library.func("int xc_evtchn_alloc_unbound(void *xch, uint32_t domid, uint32_t remote)"),
    populate: this.#library.func(
      "int xc_domain_populate_physmap_exact(void *xch, uint32_t domid, unsigned long count, unsigned int order, unsigned int flags, void *frames)",
    ),
    translate: this.#library.func(
      "unsigned long xc_translate_foreign_address(void *xch, uint32_t domid, int vcpu, unsigned long long address)",
    ),
    getContext: this.#library.func("int xc_vcpu_getcontext(void *xch, uint32_t domid, uint32_t vcpu, void *context)"),
    setContext: this.#library.func("int xc_vcpu_setcontext(void *xch, uint32_t domid, uint32_t vcpu, void *context)"),
    mmuext: this.#library.func("int xc_mmuext_op(void *xch, void *op, unsigned int count, uint32_t domid)"),
  };
  readonly handle: Pointer;

  /** @throws KaryonError XEN_LIBRARY, XEN_CALL (no Xen, or no rights), XEN_VERSION */
  constructor() {
    const open = this.#library.func("void *xc_interface_open(void *logger, void *builder, unsigned int flags)");
    this.handle = checkedPointer("xc_interface_open", open(null, null, 0) as Pointer | null);
    const version = checked("xc_version", this.#calls.version(this.handle, XENVER_version, null) as number);
    const running = `${version >>> 16}.${version & 0xffff}`;
    if (running !== XEN_VERSION) {
      const mend = `this forkd speaks to Xen ${XEN_VERSION} only, because libxenctrl differs in every release`;
      throw new KaryonError("XEN_VERSION", `the running hypervisor is Xen ${running}`, mend);
    }
  }

  /** Creates an empty PV domain, paused; its id. */
  create(uuid: string, { eventChannelPorts, grantFrames, maptrackFrames }: DomainLimits): number {
    const config = Buffer.alloc(128);
    Buffer.from(uuid.replaceAll("-", ""), "hex").copy(config, 4);
    config.writeUInt32LE(1, 28); // max_vcpus
    config.writeUInt32LE(eventChannelPorts, 32);
    config.writeInt32LE(grantFrames, 36);
    config.writeInt32LE(maptrackFrames, 40);
    config.writeUInt32LE(GRANT_VERSION, 44);
    const id = new Uint32Array(1);
    checked("xc_domain_create", this.#calls.create(this.handle, id, config) as number);
    return id[0] ?? 0;
  }

  /** Gives a new domain its one virtual CPU and its limit of memory. */
  setLimits(domain: number, maximumPages: number): void {
    checked("xc_domain_max_vcpus", this.#calls.maxVcpus(this.handle, domain, 1) as number);
    this.setMaximum(domain, maximumPages);
  }

  /** Limits the memory of a domain. */
  setMaximum(domain: number, pages: number): void {
    const kib = (pages * PAGE_SIZE) / 1024;
    checked("xc_domain_setmaxmem", this.#calls.setMaxMem(this.handle, domain, kib) as number);
  }

  /** Lets `to` count time as `from` does; otherwise its clock would jump. */
  copyTime(from: number, to: number): void {
    const mode = new Uint32Array(1);
    const elapsed = new BigUint64Array(1);
    const khz = new Uint32Array(1);
    const incarnation = new Uint32Array(1);
    const read = this.#calls.getTsc(this.handle, from, mode, elapsed, khz, incarnation) as number;
    checked("xc_domain_get_tsc_info", read);
    const written = this.#calls.setTsc(this.handle, to, mode[0], elapsed[0], khz[0], incarnation[0]) as number;
    checked("xc_domain_set_tsc_info", written);
  }

  /** An event channel of `domain` that domain 0 may bind; its port in `domain`. */
  allocateEventChannel(domain: number): number {
    return checked("xc_evtchn_alloc_unbound", this.#calls.allocUnbound(this.handle, domain, 0) as number);
  }

  /** Gives `domain` memory at the frame numbers `pfns`; the machine frames, in their order. */
  populate(domain: number, pfns: Uint32Array): Uint32Array {
    const frames = frameArray(pfns);
    const result = this.#calls.populate(this.handle, domain, pfns.length, 0, 0, frames) as number;
    // So libxc says that there were fewer frames than asked for.
    if (result < 0 && koffi.errno() === EBUSY) koffi.errno(ENOMEM);
    checked("xc_domain_populate_physmap_exact", result);
    return pfns.map((_, i) => frames[2 * i] ?? 0);
  }

  /** The machine frame behind a guest-virtual page of a domain's first virtual CPU; 0 when nothing is mapped there. */
  translate(domain: number, address: bigint): number {
    return Number(this.#calls.translate(this.handle, domain, 0, address));
  }

  /** struct vcpu_guest_context of a domain's first virtual CPU. */
  context(domain: number): Buffer {
    const context = Buffer.alloc(VCPU_CONTEXT_SIZE);
    checked("xc_vcpu_getcontext", this.#calls.getContext(this.handle, domain, 0, context) as number);
    return context;
  }

  /** Starts a domain's first virtual CPU in `context`. */
  setContext(domain: number, context: Buffer): void {
    checked("xc_vcpu_setcontext", this.#calls.setContext(this.handle, domain, 0, context) as number);
  }

  /** Makes `frame` the root of a page-table tree of `domain`; Xen checks the whole tree. */
  pinRoot(domain: number, frame: number): void {
    const operation = Buffer.alloc(24);
    operation.writeUInt32LE(MMUEXT_PIN_L4_TABLE, 0);
    operation.writeBigUInt64LE(BigInt(frame), 8);
    checked("xc_mmuext_op", this.#calls.mmuext(this.handle, operation, 1, domain) as number);
  }

  /** Stops a domain's processors. */
  pause(domain: number): void {
    checked("xc_domain_pause", this.#calls.pause(this.handle, domain) as number);
  }

  /** Shuts a domain down as if it had done so itself, with a SHUTDOWN_* reason; whatever it is doing, paused too. */
  shutdown(domain: number, reason: number): void {
    checked("xc_domain_shutdown", this.#calls.shutdown(this.handle, domain, reason) as number);
  }

  /** Lets a paused domain run. */
  unpause(domain: number): void {
    checked("xc_domain_unpause", this.#calls.unpause(this.handle, domain) as number);
  }

  /** Destroys a domain; its memory goes as its last mappings do. */
  destroy(domain: number): void {
    checked("xc_domain_destroy", this.#calls.destroy(this.handle, domain) as number);
  }

  /** What Xen says of `domain`; undefined when there is none of that id. */
  info(domain: number): DomainInfo | undefined {
    const first = this.nextDomain(domain);
    return first?.id === domain ? first.info : undefined;
  }

  /** The first domain whose id is `from` or higher. */
  nextDomain(from: number): { readonly id: number; readonly info: DomainInfo } | undefined {
    const raw = Buffer.alloc(PAGE_SIZE);
    const count = checked("xc_domain_getinfolist", this.#calls.info(this.handle, from, 1, raw) as number);
    return count === 0 ? undefined : { id: raw.readUInt16LE(0), info: decodeInfo(raw) };
  }
}

/** struct xen_domctl_getdomaininfo. */
function decodeInfo(raw: Buffer): DomainInfo {
  const flags = raw.readUInt32LE(4);
  return {
    dying: (flags & XEN_DOMINF_dying) !== 0,
    paused: (flags & XEN_DOMINF_paused) !== 0,
    shutdown: (flags & XEN_DOMINF_shutdown) === 0 ? undefined : (flags >>> XEN_DOMINF_shutdownshift) & 0xff,
    pages: Number(raw.readBigUInt64LE(8)),
    maximumPages: Number(raw.readBigUInt64LE(16)),
    sharedInfoFrame: Number(raw.readBigUInt64LE(48)),
    uuid: raw.toString("hex", 76, 92).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
  };
}
