// The child of a fork has a copy of its parent's epolls, which from now on knows nothing of the parent's. Nobody has looked for the child yet: at
// what another process changes it is told only of what it has looked at (pipe/shared/shared_pipe.ts), and of sockets what it says that it wants.
// So everything counts as possibly ready once.
import { ListNode } from "../../../kernel/list";
import { entryOfAll } from "./entry";
import { NO_EPOLL, epollNext } from "./epoll";
import { entryReady } from "./ready";

/** Export, by libos/optional/with_fork_epoll.ts. */
export function epollForked(): void {
  for (let epoll = epollNext(NO_EPOLL); epoll != NO_EPOLL; epoll = epollNext(epoll)) {
    // Those who waited are the parent's threads.
    epoll.threads.first = 0;
    epoll.threads.last = 0;
    const head = changetype<usize>(epoll.entries);
    for (let node = epoll.entries.next; node != head; node = changetype<ListNode>(node).next) {
      entryReady(entryOfAll(node));
    }
  }
}
