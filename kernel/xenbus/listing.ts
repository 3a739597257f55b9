// What xenstore says to XS_DIRECTORY (docs/misc/xenstore.txt): the names of a node's children, each with a NUL behind it. Nothing of it is believed.
import { ENOENT } from "../errno";
import { parseDecimal } from "../text";
import { ANY_DEVICE } from "./frontend_record";

/**
 * The smallest number among the names at `listing`; other names count for nothing.
 * @param wanted the only number that counts, or ANY_DEVICE
 * @returns the number, or -ENOENT when there is none
 */
export function smallestNumber(listing: usize, length: u32, wanted: u32): i64 {
  let first: i64 = -ENOENT;
  const end = listing + length;
  let name = listing;
  while (name < end) {
    let after = name;
    while (after < end && load<u8>(after) != 0) after++;
    const number = after < end ? parseDecimal(name, <u32>(after - name)) : -ENOENT;
    const isMeant = wanted == ANY_DEVICE || number == <i64>wanted;
    if (number >= 0 && isMeant && (first < 0 || number < first)) first = number;
    name = after + 1;
  }
  return first;
}
