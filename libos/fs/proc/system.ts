// The files of /proc that tell of the system, in the formats of Linux (fs/proc/*.c). What is not measured here is 0.
import { TextSpan, optionAt, optionCount } from "../../../kernel/command_line";
import { memoryFreePages } from "../../../kernel/memory/frames";
import { randomFill } from "../../../kernel/random";
import { TextBuffer, bytesEqualText } from "../../../kernel/text";
import { monotonicNow, wallClockNow } from "../../../kernel/time/clock";
import { vcpuRunningTime } from "../../../kernel/xen/hypercall";
import { MAX_GUEST_CMDLINE, START_INFO_CMD_LINE, startInfo } from "../../../kernel/xen/start_info";
import { releaseText } from "../../posix/constants";
import { processId } from "../../process/identity";
import { FS_DEVICES, FS_DISK, FS_ROOT, FS_TMPFS, Mount, mountAt, mountCount } from "../mounts";
import { TICK, writePages, writeSeconds } from "./writer";

const NANOSECONDS: u64 = 1_000_000_000;
const UUID_SIZE: u32 = 16;
const HOSTNAME: u32 = 13; // "env.HOSTNAME="

const uuid = memory.data(16, 8);
const bootId = memory.data(16, 8);
let hasBootId = false;

/** Pages that all tmpfs take. */
function sharedPages(): u64 {
  let bytes: u64 = 0;
  for (let i: u32 = 0; i < mountCount(); i++) bytes += mountAt(i).used;
  return bytes >> 12;
}

export function writeMeminfo(out: TextBuffer): void {
  const total = startInfo().nr_pages;
  const free = <u64>memoryFreePages();
  const files = sharedPages();
  writePages(out, "MemTotal:", 16, total);
  writePages(out, "MemFree:", 16, free);
  writePages(out, "MemAvailable:", 16, free);
  writePages(out, "Buffers:", 16, 0);
  writePages(out, "Cached:", 16, files);
  writePages(out, "SwapCached:", 16, 0);
  writePages(out, "Active:", 16, total - free);
  writePages(out, "Inactive:", 16, 0);
  writePages(out, "SwapTotal:", 16, 0);
  writePages(out, "SwapFree:", 16, 0);
  writePages(out, "Dirty:", 16, 0);
  writePages(out, "Writeback:", 16, 0);
  writePages(out, "Shmem:", 16, files);
  writePages(out, "Slab:", 16, 0);
  writePages(out, "SReclaimable:", 16, 0);
  writePages(out, "SUnreclaim:", 16, 0);
}

export function writeCpuinfo(out: TextBuffer): void {
  out.text("processor\t: 0\nmodel name\t: Xen virtual CPU\n");
  out.text("physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n");
  out.text("address sizes\t: 32 bits physical, 32 bits virtual\n\n");
}

/** The part of the time since boot in which the CPU was used, for want of averages: for all three. */
export function writeLoadavg(out: TextBuffer): void {
  const up = max<u64>(monotonicNow(), 1);
  const hundredths = min<u64>((vcpuRunningTime() * 100) / up, 100);
  for (let i = 0; i < 3; i++)
    out
      .decimal(hundredths / 100)
      .byte(0x2e)
      .decimal(hundredths % 100, 2)
      .byte(0x20);
  out.text("1/1 ").decimal(processId()).byte(0x0a);
}

function idleTime(): u64 {
  const up = monotonicNow();
  return up - min(vcpuRunningTime(), up);
}

export function writeUptime(out: TextBuffer): void {
  writeSeconds(out, monotonicNow());
  out.byte(0x20);
  writeSeconds(out, idleTime());
  out.byte(0x0a);
}

function writeCpuTimes(out: TextBuffer, name: string): void {
  out
    .text(name)
    .decimal(vcpuRunningTime() / TICK)
    .text(" 0 0 ");
  out.decimal(idleTime() / TICK).text(" 0 0 0 0 0 0\n");
}

export function writeStat(out: TextBuffer): void {
  writeCpuTimes(out, "cpu  ");
  writeCpuTimes(out, "cpu0 ");
  out.text("intr 0\nctxt 0\nbtime ").decimal((wallClockNow() - monotonicNow()) / NANOSECONDS);
  out.text("\nprocesses 1\nprocs_running 1\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n");
}

export function writeVersion(out: TextBuffer): void {
  out.text("Karyon version ").text(releaseText()).text(" (karyon@xen) (AssemblyScript, wasm2c, gcc) #1\n");
}

/** What a mount is of, and its type. */
function writeKind(out: TextBuffer, mount: Mount): void {
  if (mount.kind == FS_ROOT) out.text("image / romfs ro");
  else if (mount.kind == FS_DEVICES) out.text("devtmpfs ").bytes(mount.path, mount.pathLength).text(" devtmpfs ro");
  else if (mount.kind == FS_TMPFS) {
    out
      .text("tmpfs ")
      .bytes(mount.path, mount.pathLength)
      .text(" tmpfs rw,size=")
      .decimal(mount.capacity >> 10);
    out.byte(0x6b);
  } else if (mount.kind == FS_DISK) out.text("disk ").bytes(mount.path, mount.pathLength).text(" ext3 rw");
  else out.text("proc ").bytes(mount.path, mount.pathLength).text(" proc ro");
}

export function writeMounts(out: TextBuffer): void {
  for (let i: u32 = 0; i < mountCount(); i++) {
    writeKind(out, mountAt(i));
    out.text(" 0 0\n");
  }
}

export function writeFilesystems(out: TextBuffer): void {
  out.text("nodev\tromfs\nnodev\tdevtmpfs\nnodev\ttmpfs\nnodev\tproc\n");
}

export function writeKernelCommandLine(out: TextBuffer): void {
  const text = changetype<usize>(startInfo()) + START_INFO_CMD_LINE;
  let length: u32 = 0;
  while (length < MAX_GUEST_CMDLINE && load<u8>(text + length) != 0) length++;
  out.bytes(text, length).byte(0x0a);
}

/** What the environment says, or as Linux has it when nobody has said anything. */
export function writeHostname(out: TextBuffer): void {
  for (let i: u32 = 0; i < optionCount(); i++) {
    const option: TextSpan = optionAt(i);
    if (option.length <= HOSTNAME || !bytesEqualText(option.address, HOSTNAME, "env.HOSTNAME=")) continue;
    out.bytes(option.address + HOSTNAME, option.length - HOSTNAME).byte(0x0a);
    return;
  }
  out.text("(none)\n");
}

/** Appends a random UUID (RFC 9562, version 4): a new one, or that of this boot. */
export function writeUuid(out: TextBuffer, ofBoot: bool): void {
  const bytes = ofBoot ? bootId : uuid;
  if (!ofBoot || !hasBootId) {
    randomFill(bytes, UUID_SIZE);
    store<u8>(bytes, (load<u8>(bytes, 6) & 0x0f) | 0x40, 6);
    store<u8>(bytes, (load<u8>(bytes, 8) & 0x3f) | 0x80, 8);
    if (ofBoot) hasBootId = true;
  }
  for (let i: usize = 0; i < UUID_SIZE; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.byte(0x2d);
    out.hex(load<u8>(bytes + i), 2);
  }
  out.byte(0x0a);
}
