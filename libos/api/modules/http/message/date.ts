// Dates of HTTP (RFC 9110 section 5.6.7): IMF-fixdate written, all three formats read. Seconds count from 1970 and dates
// are UTC; the calendar arithmetic is that of days since 0000-03-01, which puts the leap day last.
import { equalsText, isDigit, SP } from "./bytes";

/** Length of "Sun, 06 Nov 1994 08:49:37 GMT". */
export const IMF_FIXDATE_LENGTH: usize = 29;

const SECONDS_PER_DAY: i64 = 86400;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAYS: i64 = 719468;
/** Days of 400 years. */
const ERA_DAYS: i64 = 146097;
/** 9999-12-31T23:59:59Z, the last moment four digits can name. */
const LAST_SECOND: i64 = 253402300799;

const DAY_NAMES = "SunMonTueWedThuFriSat";
const MONTH_NAMES = "JanFebMarAprMayJunJulAugSepOctNovDec";

/** Writes IMF_FIXDATE_LENGTH bytes; times outside of the years 1970 to 9999 are written as the nearest one inside. */
export function formatDate(target: usize, seconds: i64): void {
  const time = min<i64>(max<i64>(seconds, 0), LAST_SECOND);
  const days = time / SECONDS_PER_DAY;
  const second = <u32>(time % SECONDS_PER_DAY);

  const shifted = days + EPOCH_DAYS;
  const era = shifted / ERA_DAYS;
  const dayOfEra = shifted - era * ERA_DAYS;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const monthFromMarch = (5 * dayOfYear + 2) / 153;
  const day = <u32>(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1);
  const month = <u32>(monthFromMarch < 10 ? monthFromMarch + 2 : monthFromMarch - 10);
  const year = <u32>(yearOfEra + era * 400 + (month < 2 ? 1 : 0));

  // 1970-01-01 was a Thursday.
  putName(target, DAY_NAMES, <u32>((days + 4) % 7));
  store<u16>(target + 3, 0x202c); // ", "
  putTwo(target + 5, day);
  store<u8>(target + 7, SP);
  putName(target + 8, MONTH_NAMES, month);
  store<u8>(target + 11, SP);
  putTwo(target + 12, year / 100);
  putTwo(target + 14, year % 100);
  store<u8>(target + 16, SP);
  putTwo(target + 17, second / 3600);
  store<u8>(target + 19, 0x3a);
  putTwo(target + 20, (second / 60) % 60);
  store<u8>(target + 22, 0x3a);
  putTwo(target + 23, second % 60);
  store<u32>(target + 25, 0x544d4720); // " GMT"
}

function putName(target: usize, names: string, index: u32): void {
  const name = changetype<usize>(names) + <usize>index * 6;
  for (let i: usize = 0; i < 3; i++) store<u8>(target + i, load<u8>(name + (i << 1)));
}

function putTwo(target: usize, value: u32): void {
  store<u8>(target, <u8>(0x30 + value / 10));
  store<u8>(target + 1, <u8>(0x30 + (value % 10)));
}

/**
 * Reads an HTTP date.
 * @param now seconds since the epoch, for the century of the two-digit years of RFC 850
 * @returns seconds since the epoch, -1 when [from, end) is no date
 */
export function parseDate(from: usize, end: usize, now: i64): i64 {
  const length = end - from;
  if (length == IMF_FIXDATE_LENGTH && load<u8>(from + 3) == 0x2c) return parseImfFixdate(from);
  if (length == 24 && load<u8>(from + 3) == SP) return parseAsctime(from);
  return parseRfc850(from, end, now);
}

/** "Sun, 06 Nov 1994 08:49:37 GMT" */
function parseImfFixdate(at: usize): i64 {
  if (indexOfName(at, DAY_NAMES) < 0 || load<u8>(at + 4) != SP || load<u8>(at + 7) != SP) return -1;
  if (load<u8>(at + 11) != SP || load<u8>(at + 16) != SP || !equalsText(at + 25, at + 29, " GMT")) return -1;
  const year = pair(at + 12) * 100 + pair(at + 14);
  return assemble(year, indexOfName(at + 8, MONTH_NAMES), pair(at + 5), at + 17);
}

/** "Sun Nov  6 08:49:37 1994" */
function parseAsctime(at: usize): i64 {
  if (indexOfName(at, DAY_NAMES) < 0 || load<u8>(at + 7) != SP || load<u8>(at + 10) != SP) return -1;
  if (load<u8>(at + 19) != SP) return -1;
  const day = load<u8>(at + 8) == SP ? digit(at + 9) : pair(at + 8);
  const year = pair(at + 20) * 100 + pair(at + 22);
  return assemble(year, indexOfName(at + 4, MONTH_NAMES), day, at + 11);
}

/** "Sunday, 06-Nov-94 08:49:37 GMT" */
function parseRfc850(from: usize, end: usize, now: i64): i64 {
  if (end - from < 30 || end - from > 33 || indexOfName(from, DAY_NAMES) < 0) return -1;
  const at = end - 24; // ", 06-Nov-94 08:49:37 GMT"
  if (!equalsText(at, at + 2, ", ") || load<u8>(at + 4) != 0x2d || load<u8>(at + 8) != 0x2d) return -1;
  if (load<u8>(at + 11) != SP || !equalsText(at + 20, end, " GMT")) return -1;
  const month = indexOfName(at + 5, MONTH_NAMES);
  const short = pair(at + 9);
  if (short < 0) return -1;
  // A year that seems more than 50 years in the future is the most recent past one with the same last digits.
  const thisYear = 1970 + <i32>(now / 31556952);
  let year = (thisYear / 100) * 100 + short;
  if (year > thisYear + 50) year -= 100;
  return assemble(year, month, pair(at + 2), at + 12);
}

function digit(at: usize): i32 {
  const byte = load<u8>(at);
  return isDigit(byte) ? <i32>byte - 0x30 : -10000;
}

/** Two digits; negative, and staying so under the sums made of it, when there is another character. */
function pair(at: usize): i32 {
  return digit(at) * 10 + digit(at + 1);
}

function indexOfName(at: usize, names: string): i32 {
  const count = names.length / 3;
  for (let i = 0; i < count; i++) {
    const name = changetype<usize>(names) + <usize>i * 6;
    if (
      load<u8>(at) == load<u8>(name) &&
      load<u8>(at + 1) == load<u8>(name + 2) &&
      load<u8>(at + 2) == load<u8>(name + 4)
    ) {
      return i;
    }
  }
  return -1;
}

/** Puts a date together with the "08:49:37" at `time`; -1 when any part is out of range. */
function assemble(year: i32, month: i32, day: i32, time: usize): i64 {
  const hour = pair(time);
  const minute = pair(time + 3);
  const second = pair(time + 6);
  if (load<u8>(time + 2) != 0x3a || load<u8>(time + 5) != 0x3a) return -1;
  if (hour < 0 || minute < 0 || second < 0 || hour > 23 || minute > 59 || second > 60) return -1;
  if (year < 1970 || month < 0 || day < 1 || day > daysOfMonth(year, month)) return -1;
  const shiftedYear = <i64>(month < 2 ? year - 1 : year);
  const monthFromMarch = <i64>(month < 2 ? month + 10 : month - 2);
  const era = shiftedYear / 400;
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = (153 * monthFromMarch + 2) / 5 + <i64>day - 1;
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  const days = era * ERA_DAYS + dayOfEra - EPOCH_DAYS;
  return days * SECONDS_PER_DAY + <i64>(hour * 3600 + minute * 60 + second);
}

function daysOfMonth(year: i32, month: i32): i32 {
  if (month == 1) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 3 || month == 5 || month == 8 || month == 10 ? 30 : 31;
}
