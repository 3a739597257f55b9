// libxenevtchn: event channels of domain 0. The device hands out pending ports when read (u32 each) and masks them until
// they are written back.
import { read } from "node:fs";
import { checked, checkedPointer, counted, loadLibrary, type Pointer } from "./library.ts";

const PORT_SIZE = 4;
const PORTS_AT_ONCE = 64;

/** Bound event channels and what to do when one fires. */
export class EventChannels {
  readonly #library = loadLibrary("libxenevtchn.so.1");
  readonly #bind = this.#library.func("int xenevtchn_bind_interdomain(void *handle, uint32_t domid, uint32_t port)");
  readonly #bindUnbound = this.#library.func("int xenevtchn_bind_unbound_port(void *handle, uint32_t domid)");
  readonly #unbind = this.#library.func("int xenevtchn_unbind(void *handle, uint32_t port)");
  readonly #notify = this.#library.func("int xenevtchn_notify(void *handle, uint32_t port)");
  readonly #unmask = this.#library.func("int xenevtchn_unmask(void *handle, uint32_t port)");
  readonly #handle: Pointer;
  readonly #device: number;
  readonly #handlers = new Map<number, () => void>();
  readonly #wakePort: number;
  #closed = false;

  constructor() {
    const open = this.#library.func("void *xenevtchn_open(void *logger, unsigned int flags)");
    const fd = this.#library.func("int xenevtchn_fd(void *handle)");
    this.#handle = checkedPointer("xenevtchn_open", open(null, 0) as Pointer | null);
    this.#device = checked("xenevtchn_fd", fd(this.#handle) as number);
    // A channel from this domain to itself: a read that waits in the thread pool would keep the process from ending.
    const listening = checked("xenevtchn_bind_unbound_port", this.#bindUnbound(this.#handle, 0) as number);
    this.#wakePort = this.bind(0, listening, () => undefined);
    this.#handlers.set(listening, () => undefined);
    this.#readPorts();
  }

  /** Connects to `port` of `domain`; the local port. */
  bind(domain: number, port: number, handler: () => void): number {
    const result = this.#bind(this.#handle, domain, port) as number;
    const local = checked("xenevtchn_bind_interdomain", result);
    this.#handlers.set(local, handler);
    return local;
  }

  /** Lets go of a local port. */
  unbind(port: number): void {
    this.#handlers.delete(port);
    this.#unbind(this.#handle, port);
  }

  /** Raises the event at the other end; in vain when the other end has gone. */
  notify(port: number): void {
    counted();
    this.#notify(this.#handle, port);
  }

  /** Stops reading, so that the process can end. */
  close(): void {
    this.#closed = true;
    this.notify(this.#wakePort);
  }

  #readPorts(): void {
    const ports = Buffer.alloc(PORT_SIZE * PORTS_AT_ONCE);
    read(this.#device, ports, 0, ports.length, null, (error, count) => {
      if (this.#closed) return;
      for (let at = 0; at + PORT_SIZE <= count; at += PORT_SIZE) {
        const port = ports.readUInt32LE(at);
        const handler = this.#handlers.get(port);
        if (handler === undefined) continue;
        handler();
        // Afterwards: somebody waits for what the handler does. An event that came meanwhile is pending, and fires now.
        this.#unmask(this.#handle, port);
      }
      if (error === null || error.code === "EINTR" || error.code === "EAGAIN") this.#readPorts();
      else throw error;
    });
  }
}
