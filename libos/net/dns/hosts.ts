// /etc/hosts, when the image has such a file: lines of an address and names for it, "#" begins a comment.
import { EmbeddedFile, embeddedFile, embeddedFind } from "../../fs/embedded";
import { indexOfByte, ipv4FromText } from "../address_text";
import { IpAddress } from "../ip/address";
import { addressParse } from "../ip/text";
import { DNS_TYPE_A } from "../wire/dns";
import { ADDRESSES_MAXIMUM, ADDRESS_SIZE, Question } from "./answer";
import { nameFromText } from "./name";

const NEWLINE: u8 = 0x0a;
const HASH: u8 = 0x23;
/** Gives the question the addresses that the file has for its name and type. Returns whether there are any. */
export function hostsFind(question: Question): bool {
  question.addressCount = 0;
  const index = findFile(question.wanted());
  if (index < 0) return false;
  const file: EmbeddedFile = embeddedFile(index);
  let at = file.data();
  let left = <u32>file.dataLength;
  while (left != 0) {
    const line = indexOfByte(at, left, NEWLINE);
    readLine(at, indexOfByte(at, line, HASH), question);
    const consumed = min(line + 1, left);
    at += consumed;
    left -= consumed;
  }
  return question.addressCount != 0;
}

/** The file's index, or -ENOENT; `scratch` is room for its path. */
function findFile(scratch: usize): i32 {
  const path = "/etc/hosts";
  for (let i = 0; i < path.length; i++) store<u8>(scratch + i, load<u8>(changetype<usize>(path) + ((<usize>i) << 1)));
  return embeddedFind(scratch, path.length);
}

function isBlank(byte: u8): bool {
  return byte == 0x20 || byte == 0x09 || byte == 0x0d;
}

/** The bytes of the first word in `length` bytes that begin with none or one. */
function wordLength(text: usize, length: u32): u32 {
  let at: u32 = 0;
  while (at < length && !isBlank(load<u8>(text + at))) at++;
  return at;
}

function readLine(text: usize, length: u32, question: Question): void {
  // server() is free while nobody is asked.
  const address = question.server();
  let isFirst = true;
  while (length != 0) {
    const word = wordLength(text, length);
    if (word != 0 && isFirst) {
      if (!readAddress(text, word, address) || address.isIpv4() != (question.type == DNS_TYPE_A)) return;
      isFirst = false;
    } else if (word != 0 && isName(text, word, question)) {
      add(address, question);
      return;
    }
    const consumed = min(word + 1, length);
    text += consumed;
    length -= consumed;
  }
}

function readAddress(text: usize, length: u32, address: IpAddress): bool {
  const short = ipv4FromText(text, length);
  if (short < 0) return addressParse(text, length, address);
  address.setIpv4(<u32>short);
  return true;
}

function isName(text: usize, length: u32, question: Question): bool {
  const name = question.wanted();
  if (nameFromText(text, length, name) != question.nameLength) return false;
  return memory.compare(name, question.name(), question.nameLength) == 0;
}

function add(address: IpAddress, question: Question): void {
  if (question.addressCount == ADDRESSES_MAXIMUM) return;
  const target = question.addresses() + question.addressCount * ADDRESS_SIZE;
  memory.copy(target, changetype<usize>(address), ADDRESS_SIZE);
  if (address.isIpv4()) store<u32>(target, bswap<u32>(address.ipv4()));
  question.addressCount += 1;
}
