// `forkd status`: what xenstore tells of families beside what Xen tells of their domains. It asks both itself and needs no
// forkd that runs.
import { Descriptor } from "../descriptor.ts";
import type { MemberRecord } from "./family.ts";
import { familyLimits, limitsText } from "./limits.ts";
import { readHeader, readRecords } from "./records.ts";
import type { ForeignMemory } from "../xen/foreign_memory.ts";
import type { DomainUse, Host } from "../xen/host.ts";
import type { Store } from "../xen/store.ts";
import { FAMILIES } from "../xenstore_nodes.ts";

/** What is known of one process; sizes in pages. */
export interface ProcessStatus {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly domain: number;
  readonly uuid: string;
  /** running, stopped, ended, shell (stands ready to become this process), forking (is being made) or gone. */
  readonly state: string;
  /** The link address of its first network device. */
  readonly mac: string | undefined;
  /** Its IPv4 address, as it says itself. */
  readonly address: string | undefined;
  readonly born: Date | undefined;
  /** Frames that are charged to the domain. Of a parent that shares, also those that only its children still use. */
  readonly ownPages: number;
  /**
   * Frames of other members that it can be using, at most: Xen counts frames by who owns them, not by who maps them, so this
   * is the size of its address space without its own frames. Pages that it has never used are in it.
   */
  readonly sharedPages: number;
  /** What its virtual CPU has run, in ms. */
  readonly cpuMs: number;
}

/** What is known of one family. */
export interface FamilyStatus {
  readonly uuid: string;
  readonly name: string;
  readonly limits: string;
  readonly processes: readonly ProcessStatus[];
}

/** Every family there is. */
export async function readStatus(store: Store, host: Host, memory: ForeignMemory): Promise<FamilyStatus[]> {
  const families: FamilyStatus[] = [];
  const domains = new Map([...host.domains().values()].map((use) => [use.uuid, use]));
  for (const uuid of await store.directory(FAMILIES)) {
    const { name, limits } = await readHeader(store, uuid);
    const records = await readRecords(store, uuid);
    const processes = await Promise.all(
      records.map(async (record) => {
        const use = domains.get(record.uuid);
        const mac = use && (await store.read(`/libxl/${use.domain}/device/vif/0/mac`));
        return { ...processStatus(memory, record, use), mac };
      }),
    );
    const known = familyLimits(limits, name);
    families.push({ uuid, name, limits: known === undefined ? "no limits known" : limitsText(known), processes });
  }
  return families;
}

function processStatus(
  memory: ForeignMemory,
  record: MemberRecord,
  use: DomainUse | undefined,
): Omit<ProcessStatus, "mac"> {
  const { pid, parentPid, name, uuid, born, address } = record;
  const ownPages = use?.pages ?? 0;
  return {
    ...{ pid, parent: parentPid, name, uuid, born, address, ownPages },
    domain: use?.domain ?? 0,
    state: stateOf(record, use),
    sharedPages: use === undefined ? 0 : Math.max(0, addressSpace(memory, record, use) - ownPages),
    cpuMs: Number((use?.cpuTime ?? 0n) / 1_000_000n),
  };
}

function stateOf({ state }: MemberRecord, use: DomainUse | undefined): string {
  if (state !== "running") return state;
  if (use === undefined || use.dying) return "gone";
  if (use.shutdown !== undefined) return "ended";
  return use.paused ? "stopped" : "running";
}

/** The size of a domain's address space, as its descriptor tells; 0 where that cannot be had or nothing is shared. */
function addressSpace(memory: ForeignMemory, { descriptorFrame, state }: MemberRecord, use: DomainUse): number {
  if (descriptorFrame === 0 || state !== "running" || use.dying) return 0;
  try {
    return memory.with(use.domain, [descriptorFrame], false, (bytes) => {
      const descriptor = new Descriptor(bytes);
      return descriptor.sharesFrames ? descriptor.pages : 0;
    });
  } catch {
    return 0; // it ends at this moment
  }
}

const NAME_WIDTH = 20;

/** Families as text for a person, at most 80 columns wide. */
export function statusTable(families: readonly FamilyStatus[], now: Date): string {
  if (families.length === 0) return "no domain offers fork\n";
  return families.map((family) => familyText(family, now)).join("\n");
}

function familyText({ uuid, name, limits, processes }: FamilyStatus, now: Date): string {
  const lines = [
    `${name}  ${limits}\n  family ${uuid}`,
    row(["PID NAME", "DOM", "STATE", "OWN", "SHARED", "CPU", "AGE", "ADDRESS"]),
  ];
  const known = new Set(processes.map(({ pid }) => pid));
  const visit = (process: ProcessStatus, depth: number): void => {
    lines.push(processRow(process, depth, now));
    for (const child of processes) if (child.parent === process.pid && child.pid > process.pid) visit(child, depth + 1);
  };
  // A parent may have gone, and a parent's number be anything: each process once.
  for (const process of processes) if (!known.has(process.parent) || process.parent >= process.pid) visit(process, 0);
  return `${lines.join("\n")}\n`;
}

function processRow(process: ProcessStatus, depth: number, now: Date): string {
  const { pid, name, domain, state, ownPages, sharedPages, cpuMs, born, mac, address } = process;
  const seconds = born === undefined ? undefined : (now.getTime() - born.getTime()) / 1000;
  return row([
    `${"  ".repeat(depth)}${pid} ${name}`,
    domain === 0 ? "-" : String(domain),
    state,
    memoryText(ownPages),
    sharedPages === 0 ? "-" : memoryText(sharedPages),
    durationText(cpuMs / 1000),
    seconds === undefined ? "-" : durationText(seconds),
    address ?? mac ?? "-",
  ]);
}

function row([
  name = "",
  domain = "",
  state = "",
  own = "",
  shared = "",
  cpu = "",
  age = "",
  address = "",
]: string[]): string {
  const first = name.length > NAME_WIDTH ? `${name.slice(0, NAME_WIDTH - 1)}…` : name.padEnd(NAME_WIDTH);
  const numbers = [own, shared, cpu, age].map((text) => text.padStart(6)).join(" ");
  return `${first} ${domain.padStart(5)} ${state.padEnd(7)} ${numbers} ${address}`.trimEnd();
}

/** Pages as "7.9M" or "812K". */
export function memoryText(pages: number): string {
  const mebibytes = pages / 256;
  if (mebibytes < 1) return `${pages * 4}K`;
  return mebibytes < 100
    ? `${mebibytes.toFixed(1)}M`
    : mebibytes < 10_000
      ? `${mebibytes.toFixed(0)}M`
      : `${(mebibytes / 1024).toFixed(1)}G`;
}

/** Seconds as "1.2s", "3m05", "2h17" or "12d". */
export function durationText(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  if (seconds < 60) return `${Math.max(0, seconds).toFixed(1)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two((seconds % 3600) / 60)}`;
  return `${Math.floor(seconds / 86_400)}d`;
}
