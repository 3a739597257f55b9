// Signals between the members of a family, as kill(2) has them. A domain may reach its own family only: the one that the
// domain which asks belongs to, whatever its descriptor says. Ending and stopping is Xen's work; the rest is told to the
// target, whose own kernel knows what it does about a signal.
import { describeError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import type { KillRequest } from "../descriptor.ts";
import { EVENT_CONTINUED, EVENT_QUEUED, EVENT_SIGNAL, EVENT_STOPPED } from "../event_ring.ts";
import { queueEvent, type NewEvent } from "./events.ts";
import type { Member } from "./family.ts";
import { membersOf, serveGroups } from "./groups.ts";
import type { Members } from "./members.ts";
import { SIGKILL } from "./reap.ts";
import { SHUTDOWN_poweroff, type XenControl } from "../xen/control.ts";

const [EIO, ESRCH, EINVAL] = [5, 3, 22];
const SIGCONT = 18;
const SIGSTOP = 19;
/** SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU. */
const STOPPING: readonly number[] = [SIGSTOP, 20, 21, 22];
const LAST_SIGNAL = 31;
const LOCKED_ATTEMPTS = 100;
/** A pid of 0: every other member of the family; one below: those of that process group. */
const EVERYBODY = 0;

/** Serves the members' requests for signals. */
export class Signals {
  constructor(
    private readonly control: Pick<XenControl, "info" | "pause" | "shutdown" | "unpause">,
    private readonly members: Pick<Members, "serves" | "notify">,
    private readonly post: (member: Member) => void,
    private readonly log: Log,
  ) {}

  /** Answers what `asker` asks for, if it does: also about process groups. */
  serve(asker: Member): void {
    const about = asker.descriptor.groupRequest();
    if (about !== undefined) return this.#answer(asker, serveGroups(asker, about, this.post));
    const request = asker.descriptor.killRequest();
    if (request === undefined) return;
    let result = -EIO;
    try {
      result = this.#kill(asker, request);
    } catch (error) {
      this.log(`${asker.name} cannot send signal ${request.signal} to ${request.pid}: ${describeError(error)}`);
    }
    this.#answer(asker, result);
  }

  #answer(asker: Member, result: number): void {
    if (!this.members.serves(asker)) return;
    asker.descriptor.answerRequest(result);
    this.members.notify(asker);
  }

  /** Sends `signal` from outside of the family; 0 or -errno. */
  deliver(target: Member, signal: number): number {
    try {
      if (!this.#lives(target)) return -ESRCH;
      this.#send(undefined, target, { signal });
      return 0;
    } catch (error) {
      this.log(`signal ${signal} cannot be sent to ${target.name}: ${describeError(error)}`);
      return -EIO;
    }
  }

  #kill(asker: Member, { pid, ...sent }: KillRequest): number {
    const { signal } = sent;
    if (signal < 0 || signal > LAST_SIGNAL) return -EINVAL;
    const found = this.#meant(asker, pid).filter((target) => this.#lives(target));
    for (const target of found) this.#send(asker, target, sent);
    return found.length > 0 || pid === EVERYBODY ? 0 : -ESRCH;
  }

  /** Whom `pid` means: of several not the one that asks. */
  #meant(asker: Member, pid: number): Member[] {
    const { family } = asker;
    const target = family.members.get(pid);
    if (pid > EVERYBODY) return target === undefined ? [] : [target];
    const several = pid === EVERYBODY ? [...family.members.values()] : membersOf(family, -pid);
    return several.filter((other) => other !== asker);
  }

  /** It may have ended and not be reaped yet. */
  #lives(target: Member): boolean {
    const info = this.control.info(target.domain);
    return this.members.serves(target) && info?.uuid === target.uuid && !info.dying && info.shutdown === undefined;
  }

  #send(asker: Member | undefined, target: Member, { signal, value }: Omit<KillRequest, "pid">): void {
    if (signal === 0) return;
    if (signal === SIGKILL) return this.#end(target);
    // A process asks this for itself when that is what a signal does to it by default.
    if (signal === SIGSTOP || (target === asker && STOPPING.includes(signal))) return this.#stop(target, signal);
    if (signal === SIGCONT) this.#continue(target);
    const event = { pid: asker?.pid ?? 0, value: signal };
    if (value === undefined) this.#tell(target, { kind: EVENT_SIGNAL, ...event });
    else this.#tell(target, { kind: EVENT_QUEUED, ...event, data: value });
  }

  // Not destroyed: so its end is that of any other member, and xl cleans up after the first as always.
  #end(target: Member): void {
    target.descriptor.setExitStatus(SIGKILL);
    this.control.shutdown(target.domain, SHUTDOWN_poweroff);
  }

  // Whether it is stopped only Xen knows for certain: forkd may have been restarted meanwhile, and xl can pause, too.
  #stop(target: Member, signal: number): void {
    if (this.control.info(target.domain)?.paused !== false) return;
    this.#pause(target);
    this.#tellParent(target, { kind: EVENT_STOPPED, pid: target.pid, value: signal });
  }

  // Not while it has the lock of a page that others would wait for. That is a matter of microseconds; a guest that says so for ever
  // is stopped all the same.
  #pause({ domain, descriptor }: Member): void {
    this.control.pause(domain);
    for (let attempt = 0; attempt < LOCKED_ATTEMPTS && descriptor.locked; attempt++) {
      this.control.unpause(domain);
      this.control.pause(domain);
    }
  }

  #continue(target: Member): void {
    if (this.control.info(target.domain)?.paused !== true) return;
    this.control.unpause(target.domain);
    this.#tellParent(target, { kind: EVENT_CONTINUED, pid: target.pid, value: SIGCONT });
  }

  #tellParent({ family, parentPid }: Member, event: NewEvent): void {
    const parent = family.members.get(parentPid);
    if (parent !== undefined) this.#tell(parent, event);
  }

  #tell(member: Member, event: NewEvent): void {
    queueEvent(member, event);
    this.post(member);
  }
}
