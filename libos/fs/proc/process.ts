// The files of /proc/self, in the formats of Linux (fs/proc/array.c, task_mmu.c). What is not measured here is 0.
import { imageBase, rodataEnd, textEnd, textStart } from "../../../kernel/boot";
import { APP_BASE, appSpaceSize } from "../../../kernel/memory/app_space";
import { PAGE_SHIFT } from "../../../kernel/memory/pages";
import { TextBuffer } from "../../../kernel/text";
import { vcpuRunningTime } from "../../../kernel/xen/hypercall";
import { startDataArguments, startDataEnvironment } from "../../optional/with_programs";
import { fileMask } from "../../posix/modes";
import { writeArguments, writeEnvironment } from "../../posix/process";
import { parentProcessId, processId } from "../../process/identity";
import { StartTexts } from "../../process/start_data";
import { TICK, writeBlanks, writeField, writePages } from "./writer";

/** Where the name of a mapping begins in its line. */
const NAME_COLUMN: u32 = 73;
/** Descriptors that a process may have, as status tells it. */
const DESCRIPTORS: u64 = 1024;

function textPages(): u64 {
  return (textEnd() - textStart()) >> PAGE_SHIFT;
}

function imagePages(): u64 {
  return (rodataEnd() - imageBase()) >> PAGE_SHIFT;
}

function appPages(): u64 {
  return appSpaceSize() >> PAGE_SHIFT;
}

export function writeStatus(out: TextBuffer): void {
  const umask = fileMask();
  out
    .text("Name:\tapp\nUmask:\t0")
    .hex((umask >> 6) & 7)
    .hex((umask >> 3) & 7)
    .hex(umask & 7);
  out.text("\nState:\tR (running)\n");
  writeField(out, "Tgid", processId());
  writeField(out, "Ngid", 0);
  writeField(out, "Pid", processId());
  writeField(out, "PPid", parentProcessId());
  writeField(out, "TracerPid", 0);
  out.text("Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n");
  writeField(out, "FDSize", DESCRIPTORS);
  out.text("Groups:\t0 \n");
  const pages = imagePages() + appPages();
  writePages(out, "VmPeak:\t", 8, pages);
  writePages(out, "VmSize:\t", 8, pages);
  writePages(out, "VmLck:\t", 7, 0);
  writePages(out, "VmPin:\t", 7, 0);
  writePages(out, "VmHWM:\t", 7, pages);
  writePages(out, "VmRSS:\t", 7, pages);
  writePages(out, "RssAnon:\t", 9, appPages());
  writePages(out, "RssFile:\t", 9, imagePages());
  writePages(out, "RssShmem:\t", 10, 0);
  writePages(out, "VmData:\t", 8, appPages());
  writePages(out, "VmStk:\t", 7, 0);
  writePages(out, "VmExe:\t", 7, textPages());
  writePages(out, "VmLib:\t", 7, 0);
  writePages(out, "VmSwap:\t", 8, 0);
  writeField(out, "Threads", 1);
}

/** The 52 fields of proc_pid_stat(5). */
export function writeProcessStat(out: TextBuffer): void {
  out.decimal(processId()).text(" (app) R ").decimal(parentProcessId());
  out.text(" 1 1 0 -1 0 0 0 0 0 ").decimal(vcpuRunningTime() / TICK);
  out
    .text(" 0 0 0 20 0 1 0 0 ")
    .decimal((imagePages() + appPages()) << PAGE_SHIFT)
    .byte(0x20);
  out.decimal(imagePages() + appPages()).text(" 18446744073709551615 ");
  out.decimal(textStart()).byte(0x20).decimal(textEnd());
  out
    .text(" 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 ")
    .decimal(APP_BASE)
    .byte(0x20)
    .decimal(APP_BASE + appSpaceSize());
  out.text(" 0 0 0 0 0 0\n");
}

export function writeStatm(out: TextBuffer): void {
  const pages = imagePages() + appPages();
  out.decimal(pages).byte(0x20).decimal(pages).byte(0x20).decimal(imagePages()).byte(0x20).decimal(textPages());
  out.text(" 0 ").decimal(appPages()).text(" 0\n");
}

function writeMapping(out: TextBuffer, start: usize, end: usize, rights: string, name: string): void {
  if (start >= end) return;
  const before = out.length;
  out.hex(start, 8).byte(0x2d).hex(end, 8).byte(0x20).text(rights).text(" 00000000 00:00 0 ");
  const written = out.length - before;
  writeBlanks(out, written < NAME_COLUMN ? NAME_COLUMN - written : 0);
  out.text(name).byte(0x0a);
}

export function writeMaps(out: TextBuffer): void {
  writeMapping(out, textStart(), textEnd(), "r-xp", "[text]");
  writeMapping(out, textEnd(), rodataEnd(), "r--p", "[rodata]");
  writeMapping(out, APP_BASE, APP_BASE + appSpaceSize(), "rw-p", "[heap]");
}

/** Where there is still room, and how much. */
function room(out: TextBuffer): u32 {
  return out.capacity - out.length;
}

/** `written` bytes have been put, or would have been, behind what there is. */
function take(out: TextBuffer, written: u32): void {
  if (written > room(out)) out.truncated = true;
  out.length += min(written, room(out));
}

/** Puts texts that the process has got otherwise than by the command line of the domain; false when there are none. */
function wroteTexts(out: TextBuffer, address: usize): bool {
  const texts = changetype<StartTexts>(address);
  if (address == 0 || texts.address == 0) return false;
  out.bytes(texts.address, texts.length);
  return true;
}

/** A name for the program, then the arguments, each ended by a zero byte. */
export function writeCommandLine(out: TextBuffer): void {
  if (wroteTexts(out, startDataArguments())) return;
  out.text("app").byte(0);
  take(out, writeArguments(out.address + out.length, room(out)));
}

/** The environment, each variable ended by a zero byte. */
export function writeEnviron(out: TextBuffer): void {
  if (wroteTexts(out, startDataEnvironment())) return;
  take(out, writeEnvironment(out.address, room(out)));
}
