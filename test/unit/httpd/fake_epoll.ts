// The one epoll of a server under test: what it watches, level-triggered.
import { POLLHUP } from "./fake_client.ts";

const [ADD, DELETE] = [1, 2];
const [ENOENT, EEXIST] = [2, 17];
const EVENT_SIZE = 16;

export class FakeEpoll {
  private readonly watched = new Map<number, { readonly events: number; readonly data: bigint }>();

  /** epoll_ctl with the event at `at`. */
  control(operation: number, fd: number, view: DataView, at: number): number {
    if (this.watched.has(fd) === (operation === ADD)) return operation === ADD ? -EEXIST : -ENOENT;
    if (operation === DELETE) this.watched.delete(fd);
    else this.watched.set(fd, { events: view.getUint32(at, true), data: view.getBigUint64(at + 8, true) });
    return 0;
  }

  /** The descriptor is closed. */
  forget(fd: number): void {
    this.watched.delete(fd);
  }

  /** Stores up to `maximum` events of what is ready; how many. What was told stands behind the others the next time. */
  collect(eventsOf: (fd: number) => number, view: DataView, at: number, maximum: number): number {
    let count = 0;
    for (const [fd, entry] of [...this.watched]) {
      if (count === maximum) break;
      const events = eventsOf(fd) & (entry.events | POLLHUP);
      if (events === 0) continue;
      view.setUint32(at + count * EVENT_SIZE, events, true);
      view.setBigUint64(at + count * EVENT_SIZE + 8, entry.data, true);
      this.watched.delete(fd);
      this.watched.set(fd, entry);
      count += 1;
    }
    return count;
  }
}
