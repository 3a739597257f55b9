// The end of a process that others of the family may go on for: it waits until they have what it leaves (libos/net/finish.ts).
import { passingGiveUp, passingUnfinished } from "../../optional/with_fork_unix_rights";
import { HANDING, OFFERED, RELEASED } from "../tcp/flags";
import { NO_SOCKET } from "../tcp/socket";
import { walkBegin, walkNext } from "./flow";
import { listenersLeave } from "./leaving_listener";
import { connectionEnd } from "./release";

/** Export, by libos/optional/with_fork_network.ts: true while something is to be released, offered or handed over, is on its way with a descriptor, or a listener leaves. */
export function networkUnreleased(): bool {
  if (listenersLeave() || passingUnfinished()) return true;
  walkBegin();
  for (let s = walkNext(); s != NO_SOCKET; s = walkNext()) {
    if ((s.sharing & (RELEASED | OFFERED | HANDING)) != 0) return true;
  }
  return false;
}

/** Export, by libos/optional/with_fork_network.ts: nobody has answered; what is still ours ends. */
export function networkReleases(now: u64): void {
  passingGiveUp();
  walkBegin();
  for (let s = walkNext(); s != NO_SOCKET; s = walkNext()) {
    if ((s.sharing & (RELEASED | OFFERED)) != 0 && (s.sharing & HANDING) == 0) connectionEnd(s, now);
  }
}
