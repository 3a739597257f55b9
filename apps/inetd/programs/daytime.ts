// daytime (RFC 867): a line with the time, in UTC.
import { gmtime, puts, time } from "karyon";

function two(number: i32): string {
  return number.toString().padStart(2, "0");
}

export function main(_words: string[]): i32 {
  const now = gmtime(time());
  const date = `${now.tm_year + 1900}-${two(now.tm_mon + 1)}-${two(now.tm_mday)}`;
  return puts(`${date} ${two(now.tm_hour)}:${two(now.tm_min)}:${two(now.tm_sec)} UTC`) < 0 ? 1 : 0;
}
