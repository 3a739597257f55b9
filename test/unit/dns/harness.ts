// The parts of the resolver that read what others have written, for tests from outside.
import { pageAlloc, pagesInit } from "../../../kernel/memory/pages";
import { randomStir } from "../../../kernel/random";
import { Question, answerRead } from "../../../libos/net/dns/answer";
import { nameAppend, nameFromText, nameMixCase } from "../../../libos/net/dns/name";
import { dnsNameRead, dnsQueryWrite } from "../../../libos/net/wire/dns";

let question: Question = changetype<Question>(0);

export function start(memoryStart: usize, pages: u32): void {
  pagesInit(memoryStart, memoryStart + ((<usize>pages) << 12));
  randomStir();
  question = changetype<Question>(pageAlloc());
}

/** Sets the question from text; the bytes of its name in wire form, 0 when it is none. */
export function ask(text: usize, length: u32, type: u32, id: u32, mixCase: bool): u32 {
  question.type = <u16>type;
  question.id = <u16>id;
  question.nameLength = nameFromText(text, length, question.name());
  if (mixCase) nameMixCase(question.name(), question.nameLength, question.sentName());
  else memory.copy(question.sentName(), question.name(), question.nameLength);
  return question.nameLength;
}

/** Writes the query to `target`; its bytes. */
export function query(target: usize, extended: bool): u32 {
  return dnsQueryWrite(target, question.id, question.sentName(), question.nameLength, question.type, extended);
}

export function read(message: usize, length: u32): i32 {
  return answerRead(message, length, question);
}

export function addressCount(): u32 {
  return question.addressCount;
}

export function addresses(): usize {
  return question.addresses();
}

export function timeToLive(): u32 {
  return question.timeToLive;
}

/** Appends a domain, both as text, and returns the bytes of the whole name. */
export function append(text: usize, length: u32, domain: usize, domainLength: u32): u32 {
  const name = question.name();
  return nameAppend(
    name,
    nameFromText(text, length, name),
    question.wanted(),
    nameFromText(domain, domainLength, question.wanted()),
  );
}

export { dnsNameRead };
