// Event channels of one domain, two-level ABI: a pending bit and a mask bit per port in shared_info, a selector bit per
// word in vcpu_info (xen/include/public/xen.h, event_channel.h).

const UPCALL_PENDING = 0;
const PENDING_SEL = 8;
const PENDING = 2048;
const MASK = 2560;

interface Port {
  /** What the domain's notifications reach; absent while nobody has bound the port. */
  peer: (() => void) | undefined;
  virq: number | undefined;
}

/** The ports of one domain. */
export class EventChannels {
  private ports = new Map<number, Port>();

  constructor(
    private readonly sharedInfo: () => DataView,
    private readonly onRaise: (port: number) => void,
  ) {}

  /** All ports are gone, as after a restore. */
  reset(): void {
    this.ports = new Map();
  }

  private newPort(port: Port): number {
    let number = 1;
    while (this.ports.has(number)) number += 1;
    this.ports.set(number, port);
    return number;
  }

  allocateUnbound(): number {
    return this.newPort({ peer: undefined, virq: undefined });
  }

  bindVirq(virq: number): number {
    return this.newPort({ peer: undefined, virq });
  }

  close(port: number): boolean {
    return this.ports.delete(port);
  }

  /** A back end binds `port`: `peer` is called for each of the domain's notifications. */
  bind(port: number, peer: () => void): boolean {
    const entry = this.ports.get(port);
    if (entry === undefined || entry.virq !== undefined || entry.peer !== undefined) return false;
    entry.peer = peer;
    return true;
  }

  /** True while a back end has bound `port`. */
  isBound(port: number): boolean {
    return this.ports.get(port)?.peer !== undefined;
  }

  /** The back end's end is closed: the port is unbound again. */
  unbind(port: number): void {
    const entry = this.ports.get(port);
    if (entry !== undefined) entry.peer = undefined;
  }

  /** The domain notifies; false when there is no such port. */
  send(port: number): boolean {
    const entry = this.ports.get(port);
    entry?.peer?.();
    return entry !== undefined;
  }

  isPending(port: number): boolean {
    return ((this.sharedInfo().getUint8(PENDING + (port >> 3)) >> (port & 7)) & 1) !== 0;
  }

  /** An event arrives on `port`. */
  raise(port: number): void {
    if (!this.ports.has(port)) return;
    const page = this.sharedInfo();
    const byte = PENDING + (port >> 3);
    const bit = 1 << (port & 7);
    page.setUint8(byte, page.getUint8(byte) | bit);
    if ((page.getUint8(MASK + (port >> 3)) & bit) === 0) {
      const selector = PENDING_SEL + (port >> 9);
      page.setUint8(selector, page.getUint8(selector) | (1 << ((port >> 6) & 7)));
      page.setUint8(UPCALL_PENDING, 1);
    }
    this.onRaise(port);
  }

  raiseVirq(virq: number): void {
    for (const [number, port] of this.ports) if (port.virq === virq) this.raise(number);
  }
}
