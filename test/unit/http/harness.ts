// The pure parts of karyon/http/message, with one buffer to put input into and another for results.
import { findControl } from "../../../libos/api/modules/http/message/bytes";
import { formatDate, parseDate } from "../../../libos/api/modules/http/message/date";
import { escapePath, normalisePath } from "../../../libos/api/modules/http/message/target";
import { PARSE_COMPLETE, Request, requestReset } from "../../../libos/api/modules/http/message/request";
import { requestParse } from "../../../libos/api/modules/http/message/parser";

const SIZE = 65536;
const input_ = heap.alloc(SIZE);
const output_ = heap.alloc(SIZE);
const request = changetype<Request>(memory.data(offsetof<Request>(), 8));

export function input(): usize {
  return input_;
}

export function output(): usize {
  return output_;
}

export function control(from: u32, end: u32): u32 {
  return <u32>(findControl(input_ + from, input_ + end) - input_);
}

export function dateText(seconds: i64): void {
  formatDate(output_, seconds);
}

export function dateValue(length: u32, now: i64): i64 {
  return parseDate(input_, input_ + length, now);
}

export function normalise(length: u32): i32 {
  return normalisePath(input_, input_ + length, output_);
}

export function escape(length: u32): i32 {
  return <i32>escapePath(input_, input_ + length, output_);
}

/** Parses the first `length` bytes, presented in steps of `step`; the result, or the length of the head × 1000 + 1. */
export function parse(length: u32, step: u32): i32 {
  requestReset(request);
  let result = 0;
  for (let end: u32 = 0; end < length && result == 0;) {
    end = min(end + step, length);
    result = requestParse(request, input_, end);
  }
  return result == PARSE_COMPLETE ? request.line * 1000 + 1 : result;
}

/** Word `index` of what the parser has found, to compare all of it. */
export function requestWord(index: u32): u32 {
  return load<u32>(changetype<usize>(request) + ((<usize>index) << 2));
}

export function requestWords(): u32 {
  return (<u32>offsetof<Request>()) >> 2;
}
