// The child of a fork has copies of its parent's sockets of AF_UNIX: connections go on, for their pipes are shared; names are its own from now
// on; connections that nobody has accepted are the parent's.
import { passingForked } from "../../optional/with_fork_unix_rights";
import { rightsForked } from "../../optional/with_unix_rights";
import { NO_UNIX, UnixSocket, unixForget, unixSockets } from "./socket";

/** Export, by libos/optional/with_fork_unix.ts. */
export function unixForked(): void {
  rightsForked();
  passingForked();
  let listener = unixSockets();
  while (listener != NO_UNIX) {
    if (listener.waitingFirst == 0) {
      listener = changetype<UnixSocket>(listener.next);
      continue;
    }
    unixForget(listener);
    listener = unixSockets(); // the list has changed
  }
}
