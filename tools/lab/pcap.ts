// A capture of a guest's own interface, written to a file on this host: tcpdump in dom0 reads the back end's side of it (vif<domain>.0),
// where each frame passes as netback has it – larger than the MTU where segmentation is left to the other side, with the
// checksum still blank where that is.
import { closeSync, openSync, writeSync } from "node:fs";
import { KaryonError } from "../support/errors.ts";
import type { Lab } from "./lab.ts";

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** Where the length of what was captured stands in a record's header. */
const CAPTURED_LENGTH = 8;
const MAGIC = 0xa1b2c3d4;
/** Longer than any record: Linux's largest frame is 64 KiB. */
const RECORD_MAX = 1 << 20;
const NO_LIMIT_MS = 24 * 3600 * 1000;

/** Cuts a stream in libpcap's format into its header and whole records, so that a file of them is whole at any time. */
export class PcapStream {
  #pending = Buffer.alloc(0);
  #begun = false;
  /** Records so far. */
  packets = 0;

  /** @param write takes the header, then whole records */
  constructor(private readonly write: (bytes: Buffer) => void) {}

  /** Takes the next bytes. @throws KaryonError LAB_PCAP when they are no capture */
  push(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    let at = 0;
    if (!this.#begun) {
      if (this.#pending.length < FILE_HEADER) return;
      at = FILE_HEADER;
      if (this.#pending.readUInt32LE(0) !== MAGIC) throw new KaryonError("LAB_PCAP", "what tcpdump says is no capture");
      this.#begun = true;
    }
    while (this.#pending.length >= at + RECORD_HEADER) {
      const length = this.#pending.readUInt32LE(at + CAPTURED_LENGTH);
      if (length > RECORD_MAX) throw new KaryonError("LAB_PCAP", `a packet of ${length} bytes is no packet`);
      const end = at + RECORD_HEADER + length;
      if (this.#pending.length < end) break;
      at = end;
      this.packets += 1;
    }
    if (at > 0) this.write(this.#pending.subarray(0, at));
    this.#pending = this.#pending.subarray(at);
  }
}

/** Options of capture. */
export interface CaptureOptions {
  /** Ends the capture; what has come is in the file. */
  readonly signal?: AbortSignal;
  /** Ends it after so many seconds, … */
  readonly seconds?: number;
  /** … or so many packets. */
  readonly packets?: number;
  /** Called when packets are seen from now on. */
  readonly onStart?: () => void;
}

/**
 * Captures what passes the first network interface of the domain `name` into `file`, until it is ended or the domain is gone.
 *
 * @returns how many packets are in the file
 * @throws KaryonError LAB_PCAP when there is no such interface
 */
export async function capture(lab: Lab, name: string, file: string, options: CaptureOptions = {}): Promise<number> {
  const device = await interfaceOf(lab, name);
  const limit = options.packets === undefined ? [] : ["-c", String(options.packets)];
  const descriptor = openSync(file, "w");
  try {
    const stream = new PcapStream((bytes) => void writeSync(descriptor, bytes));
    const ends = options.seconds === undefined ? [] : [AbortSignal.timeout(options.seconds * 1000)];
    if (options.signal !== undefined) ends.push(options.signal);
    let said = "";
    const argv = ["tcpdump", "-i", device, "-w", "-", "-U", "--immediate-mode", "-Z", "root", ...limit];
    try {
      const { status } = await lab.exec(argv, {
        timeoutMs: NO_LIMIT_MS,
        signal: AbortSignal.any(ends),
        onStdout: (bytes) => stream.push(bytes),
        onStderr: (bytes) => {
          const before = said;
          said += bytes.toString();
          if (!before.includes("listening on") && said.includes("listening on")) options.onStart?.();
        },
      });
      // tcpdump ends with an error when the interface goes, as it does with its domain.
      if (status !== 0 && !said.includes("listening on")) throw new KaryonError("LAB_PCAP", said.trim());
    } catch (error) {
      if (!(error instanceof KaryonError && error.code === "ABORTED")) throw error;
    }
    return stream.packets;
  } finally {
    closeSync(descriptor);
  }
}

/** The back end's name for the first interface of domain `name`. */
async function interfaceOf(lab: Lab, name: string): Promise<string> {
  const id = await lab.exec(["xl", "domid", name]);
  if (id.status !== 0) throw new KaryonError("LAB_PCAP", `there is no domain ${name}`, "npm run lab -- sh xl list");
  const device = `vif${id.stdout.toString().trim()}.0`;
  const found = await lab.exec(["test", "-e", `/sys/class/net/${device}`]);
  if (found.status !== 0) throw new KaryonError("LAB_PCAP", `${name} has no network interface`);
  return device;
}
