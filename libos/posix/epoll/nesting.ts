// Epolls that watch epolls: not in a circle, and not more than NESTS deep, as on Linux, so that telling one by the other comes to an end.
import { ListNode } from "../../../kernel/list";
import { KIND_EPOLL } from "../../process/open_file";
import { Watch, entryOfAll } from "./entry";
import { Epoll, epollOf } from "./epoll";

/** How many watchings may stand one on the other: five epolls. */
const NESTS: u32 = 4;
/** Found instead of a depth: a circle. */
const CIRCLE: u32 = NESTS + 1;

/** The running check: what it has found out of an epoll is not found out twice. */
let check: u32 = 0;

/** Whether `epoll` may watch `other`. */
export function mayNest(epoll: Epoll, other: Epoll): bool {
  if (epoll == other) return false;
  check += 1;
  const below = depthBelow(other, epoll);
  if (below > NESTS) return false;
  check += 1;
  return below + 1 + depthAbove(epoll) <= NESTS;
}

/** How many watchings there are one on the other from `epoll` downwards; CIRCLE when one of them is of `forbidden`. */
function depthBelow(epoll: Epoll, forbidden: Epoll): u32 {
  if (epoll.check == check) return epoll.depth;
  let depth: u32 = 0;
  const head = changetype<usize>(epoll.entries);
  for (let node = epoll.entries.next; node != head; node = changetype<ListNode>(node).next) {
    const file = entryOfAll(node).file;
    if (file.kind != KIND_EPOLL) continue;
    const other = epollOf(file);
    depth = max(depth, other == forbidden ? CIRCLE : min(1 + depthBelow(other, forbidden), CIRCLE));
  }
  epoll.check = check;
  epoll.depth = depth;
  return depth;
}

/** How many there are one on the other from `epoll` upwards. */
function depthAbove(epoll: Epoll): u32 {
  if (epoll.check == check) return epoll.depth;
  let depth: u32 = 0;
  for (let at = epoll.file.watches; at != 0; at = changetype<Watch>(at).next) {
    depth = max(depth, 1 + depthAbove(changetype<Watch>(at).entry.epoll));
  }
  epoll.check = check;
  epoll.depth = depth;
  return depth;
}
