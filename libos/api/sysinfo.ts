// sys/sysinfo.h: the memory of the domain.
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/** struct sysinfo, as far as it means something here. (The function has its name; a class and a function cannot share one.) */
@final
export class Sysinfo {
  /** Seconds since boot. */
  uptime: i64 = 0;
  /** Bytes of memory that the domain has. */
  totalram: u64 = 0;
  /** Bytes of it that nobody uses. */
  freeram: u64 = 0;
}

/** Fills `information`. Returns 0. */
export function sysinfo(information: Sysinfo): i32 {
  return conclude(errno, posix.sysinfo(changetype<usize>(information)));
}
