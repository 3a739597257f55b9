// What forkd has to know of a connection as long as it is so: that we want it (CLAIM), that our application has closed it (RELEASE), that
// a closing listener has left it (OFFER). The socket remembers it, and whether forkd has been told: a forkd that begins anew is told again, and also
// what is on its way to whom (CLAIM with a pid).
import { FORKD, MESSAGE_CLAIM, MESSAGE_OFFER, MESSAGE_RELEASE, mailboxSend } from "../../../kernel/fork/mailbox";
import { flowPagesTell } from "../family/flow_list";
import { CLAIMING, HANDING, OFFERED, RELEASED, TOLD } from "../tcp/flags";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { FLOW, flowWrite, scratch, walkBegin, walkNext } from "./flow";
import { handingOf } from "./handing";

/** Somebody had something to tell, and the mailbox had no room. */
let untold = false;

/** In the child of a fork. */
export function tellForked(): void {
  untold = false;
}

/** Whether forkd has been told everything. */
export function allTold(): bool {
  return !untold;
}

/** Tells what there is to tell of `s`, unless forkd knows it or it is on its way to another process; without room later. */
export function connectionTell(s: TcpSocket): void {
  flowPagesTell(); // where forkd looks what the message is about
  if ((s.sharing & HANDING) != 0 ? !tellHanding(s) : !tellSubject(s)) untold = true;
}

/** False without room. */
function tellSubject(s: TcpSocket): bool {
  const subject = s.sharing & (CLAIMING | RELEASED | OFFERED);
  if (subject == 0 || (s.sharing & TOLD) != 0) return true;
  flowWrite(s, scratch);
  const type = subject == CLAIMING ? MESSAGE_CLAIM : subject == RELEASED ? MESSAGE_RELEASE : MESSAGE_OFFER;
  if (!mailboxSend(type, 0, FORKD, scratch, FLOW)) return false;
  s.sharing |= TOLD;
  return true;
}

/** Only a forkd that has begun anew is told of what is on its way, and then whether its application has closed it. */
function tellHanding(s: TcpSocket): bool {
  const handing = handingOf(s);
  if (!handing.untold) return true;
  flowWrite(s, scratch);
  store<i32>(scratch + FLOW, handing.pid);
  if (!mailboxSend(MESSAGE_CLAIM, 0, FORKD, scratch, FLOW + 4)) return false;
  if ((s.sharing & (RELEASED | OFFERED)) != 0) {
    if (!tellSubject(s)) return false;
    s.sharing &= ~TOLD; // if the hand-over fails, that is said before this is heard: then once more
  }
  handing.untold = false;
  return true;
}

/** The mailbox has room: tells the rest. */
export function tellRest(): void {
  if (!untold) return;
  untold = false;
  walkBegin();
  for (let s = walkNext(); s != NO_SOCKET && !untold; s = walkNext()) connectionTell(s);
}

/** A forkd that has begun anew knows nothing. */
export function tellAgain(): void {
  walkBegin();
  for (let s = walkNext(); s != NO_SOCKET; s = walkNext()) {
    s.sharing &= ~TOLD;
    if ((s.sharing & HANDING) != 0) handingOf(s).untold = true;
  }
  untold = true;
  tellRest();
}
