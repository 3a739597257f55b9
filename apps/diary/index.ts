// Writes a line into its diary at each start, and shows the last ones: what is on a disk outlives the domain, however that ends.
//   npm run image -- apps/diary && xl create -c build/diary/diary.cfg
import { gmtime, perror, puts, time, tm } from "karyon";
import { appendTextFile, readLines } from "karyon/fs";

const DIARY = "/data/diary.txt";
const SHOWN = 5;

export function main(args: string[]): i32 {
  const text = args.length > 0 ? args.join(" ") : "started";
  if (!appendTextFile(DIARY, `${moment(gmtime(time()))} ${text}\n`, true)) return failed("write"); // from here on it stays
  const lines = readLines(DIARY);
  if (lines === null) return failed("read");
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
