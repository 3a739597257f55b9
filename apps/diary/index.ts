// Writes a line into its diary at each start, and shows the last ones: what is on a disk outlives the domain, however that ends.
//   npm run image -- apps/diary && xl create -c build/diary/diary.cfg
import {
  O_APPEND,
  O_CREAT,
  O_WRONLY,
  close,
  fsync,
  gmtime,
  open,
  perror,
  puts,
  readTextFile,
  time,
  tm,
  writeText,
} from "karyon";

const DIARY = "/data/diary.txt";
const SHOWN = 5;

export function main(args: string[]): i32 {
  const fd = open(DIARY, O_CREAT | O_WRONLY | O_APPEND, 0x1a4);
  if (fd < 0) return failed("open");
  const text = args.length > 0 ? args.join(" ") : "started";
  if (writeText(fd, `${moment(gmtime(time()))} ${text}\n`) < 0) return failed("write");
  if (fsync(fd) < 0) return failed("fsync"); // from here on it stays
  close(fd);
  const diary = readTextFile(DIARY);
  if (diary === null) return failed("read");
  const lines = diary.trimEnd().split("\n");
  puts(`${lines.length} entries, the last ones:`);
  for (let i = max(lines.length - SHOWN, 0); i < lines.length; i++) puts(`  ${lines[i]}`);
  return 0;
}

function failed(what: string): i32 {
  perror(`${DIARY}: ${what}`);
  return 1;
}

/** "2026-11-21 02:12:35" */
function moment(now: tm): string {
  const date = `${now.tm_year + 1900}-${twoDigits(now.tm_mon + 1)}-${twoDigits(now.tm_mday)}`;
  return `${date} ${twoDigits(now.tm_hour)}:${twoDigits(now.tm_min)}:${twoDigits(now.tm_sec)}`;
}

function twoDigits(value: i32): string {
  return value.toString().padStart(2, "0");
}
