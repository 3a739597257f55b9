// The resolver's reading of responses: the input is a message that answers the question "www.example.org", A, number 0x1234.
import { pageAlloc, pagesInit } from "../../kernel/memory/pages";
import { Question, answerRead } from "../../libos/net/dns/answer";
import { nameFromText } from "../../libos/net/dns/name";
import { DNS_TYPE_A } from "../../libos/net/wire/dns";

let question: Question = changetype<Question>(0);

export function _start(): void {}

export function fuzzStart(memoryStart: usize, memoryEnd: usize): void {
  pagesInit(memoryStart, memoryEnd);
  question = changetype<Question>(pageAlloc());
  const name = "www.example.org";
  for (let i = 0; i < name.length; i++) {
    store<u8>(question.wanted() + i, load<u8>(changetype<usize>(name) + ((<usize>i) << 1)));
  }
  question.nameLength = nameFromText(question.wanted(), name.length, question.sentName());
  question.type = DNS_TYPE_A;
  question.id = 0x1234;
}

export function fuzzOne(at: usize, length: u32): void {
  answerRead(at, length, question);
}
