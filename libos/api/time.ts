// time.h and sys/time.h: clocks, sleeping, and calendar time in UTC.
import { EINVAL } from "../../kernel/errno";
import { CLOCK_REALTIME } from "../posix/constants";
import { conclude, errno, setErrno } from "./errno";
import * as posix from "./posix";

/** struct timespec. */
@final
export class timespec {
  constructor(
    public tv_sec: i64 = 0,
    /** 0 … 999 999 999. */
    public tv_nsec: i64 = 0,
  ) {}
}

/** struct timeval. */
@final
export class timeval {
  constructor(
    public tv_sec: i64 = 0,
    /** 0 … 999 999. */
    public tv_usec: i64 = 0,
  ) {}
}

/** struct tm: a moment in calendar terms, UTC. */
@final
export class tm {
  /** 0 … 60. */
  tm_sec: i32 = 0;
  tm_min: i32 = 0;
  tm_hour: i32 = 0;
  /** 1 … 31. */
  tm_mday: i32 = 1;
  /** 0 … 11. */
  tm_mon: i32 = 0;
  /** Years since 1900. */
  tm_year: i32 = 70;
  /** 0 = Sunday. */
  tm_wday: i32 = 4;
  /** 0 … 365. */
  tm_yday: i32 = 0;
}

/** Reads CLOCK_REALTIME (since 1970, UTC) or CLOCK_MONOTONIC (since boot, never steps). Returns 0, or -1. */
export function clock_gettime(clock: i32, time: timespec): i32 {
  return conclude(errno, posix.clock_gettime(clock, changetype<usize>(time)));
}

/** The resolution of a clock. */
export function clock_getres(clock: i32, resolution: timespec): i32 {
  return conclude(errno, posix.clock_getres(clock, changetype<usize>(resolution)));
}

/** `clock` in nanoseconds; CLOCK_MONOTONIC is the one to measure with. */
export function clockNanoseconds(clock: i32): i64 {
  const now = new timespec();
  posix.clock_gettime(clock, changetype<usize>(now));
  return now.tv_sec * 1_000_000_000 + now.tv_nsec;
}

/** The time since 1970, UTC, to the microsecond. Returns 0. There are no time zones here. */
export function gettimeofday(time: timeval): i32 {
  const now = new timespec();
  posix.clock_gettime(CLOCK_REALTIME, changetype<usize>(now));
  time.tv_sec = now.tv_sec;
  time.tv_usec = now.tv_nsec / 1_000;
  return 0;
}

/** Seconds since 1970, UTC. */
export function time(): i64 {
  const now = new timespec();
  posix.clock_gettime(CLOCK_REALTIME, changetype<usize>(now));
  return now.tv_sec;
}

/** Sleeps for `duration`. Returns 0, or -1: EINVAL, or EINTR (a signal), with what is left in `remaining`. */
export function nanosleep(duration: timespec, remaining: timespec | null = null): i32 {
  if (duration.tv_sec < 0 || duration.tv_nsec < 0 || duration.tv_nsec >= 1_000_000_000) {
    setErrno(EINVAL);
    return -1;
  }
  const seconds = min<i64>(duration.tv_sec, i32.MAX_VALUE);
  const rest: usize = remaining === null ? 0 : changetype<usize>(remaining);
  return conclude(errno, posix.nanosleep(seconds * 1_000_000_000 + duration.tv_nsec, rest));
}

const SECONDS_PER_DAY: i64 = 86_400;

// Days are counted from 0000-03-01 in eras of 400 years, so that the leap day is the last of a year.
const DAYS_PER_ERA: i64 = 146_097;
const DAYS_TO_EPOCH: i64 = 719_468;

function floorDivide(a: i64, b: i64): i64 {
  return (a >= 0 ? a : a - b + 1) / b;
}

/** Days from 1970-01-01 to the given day; `month` 1 … 12. */
function daysFromCivil(year: i64, month: i64, day: i64): i64 {
  const y = month <= 2 ? year - 1 : year;
  const era = floorDivide(y, 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return era * DAYS_PER_ERA + dayOfEra - DAYS_TO_EPOCH;
}

/** The calendar terms of `seconds` since 1970, UTC. */
export function gmtime(seconds: i64): tm {
  const days = floorDivide(seconds, SECONDS_PER_DAY);
  const rest = seconds - days * SECONDS_PER_DAY;
  const shifted = days + DAYS_TO_EPOCH;
  const era = floorDivide(shifted, DAYS_PER_ERA);
  const dayOfEra = shifted - era * DAYS_PER_ERA;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const shiftedMonth = (5 * dayOfYear + 2) / 153;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);

  const result = new tm();
  result.tm_sec = <i32>(rest % 60);
  result.tm_min = <i32>((rest / 60) % 60);
  result.tm_hour = <i32>(rest / 3600);
  result.tm_mday = <i32>(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1);
  result.tm_mon = <i32>(month - 1);
  result.tm_year = <i32>(year - 1900);
  // 1970-01-01 was a Thursday.
  result.tm_wday = <i32>(days + 4 - floorDivide(days + 4, 7) * 7);
  result.tm_yday = <i32>(days - daysFromCivil(year, 1, 1));
  return result;
}

/** Seconds since 1970 of the UTC moment `moment`; fields out of their range carry over, as C has it. */
export function timegm(moment: tm): i64 {
  const carry = floorDivide(<i64>moment.tm_mon, 12);
  const month = <i64>moment.tm_mon - carry * 12 + 1;
  const days = daysFromCivil(<i64>moment.tm_year + 1900 + carry, month, 1) + <i64>moment.tm_mday - 1;
  return days * SECONDS_PER_DAY + <i64>moment.tm_hour * 3600 + <i64>moment.tm_min * 60 + <i64>moment.tm_sec;
}
