// The smallest appliance: says hello, tells what it finds around itself, and ends with status 0.
import { CLOCK_MONOTONIC, clockNanoseconds, environ, gmtime, puts, time, tm } from "karyon";

export function main(args: string[]): i32 {
  const sinceBoot = clockNanoseconds(CLOCK_MONOTONIC);
  puts(`Hello from a TypeScript unikernel${args.length > 0 ? `, ${args.join(" ")}` : ""}!`);
  puts(`It is ${moment(gmtime(time()))} UTC, ${sinceBoot / 1_000_000} ms after the kernel took over.`);
  puts(`This app has ${memory.size() * 64} KiB of memory and ${environ().length} environment variables.`);
  return 0;
}

/** "2026-11-21 02:12:35" */
function moment(now: tm): string {
  const date = `${now.tm_year + 1900}-${twoDigits(now.tm_mon + 1)}-${twoDigits(now.tm_mday)}`;
  return `${date} ${twoDigits(now.tm_hour)}:${twoDigits(now.tm_min)}:${twoDigits(now.tm_sec)}`;
}

function twoDigits(value: i32): string {
  return value.toString().padStart(2, "0");
}
