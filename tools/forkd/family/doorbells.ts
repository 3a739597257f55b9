// Doorbells: event channels between two members of a family, which neither could find without a word of the other. A member
// allocates one for the other's domain and asks forkd to tell that of it. Xen binds it for that domain only.
import { EVENT_DOORBELL } from "../event_ring.ts";
import { queueEvent } from "./events.ts";
import type { Member } from "./family.ts";
import type { Members } from "./members.ts";

const ESRCH = 3;

/** Serves the members' requests for doorbells. */
export class Doorbells {
  constructor(
    private readonly members: Pick<Members, "serves" | "notify">,
    private readonly post: (member: Member) => void,
  ) {}

  /** Answers what `asker` asks for, if it does. */
  serve(asker: Member): void {
    const request = asker.descriptor.doorbellRequest();
    if (request === undefined) return;
    const target = asker.family.members.get(request.pid);
    const lives = target !== undefined && this.members.serves(target);
    if (lives) {
      queueEvent(target, { kind: EVENT_DOORBELL, pid: asker.pid, value: request.port, frames: asker.domain });
      this.post(target);
    }
    asker.descriptor.answerRequest(lives ? 0 : -ESRCH);
    this.members.notify(asker);
  }
}
