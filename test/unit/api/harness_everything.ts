// An app that exports the whole of the API, so that all of it is compiled: asc leaves out what nobody reaches, mistakes included. Of
// classes and generic functions it compiles what is used.
import { EpollSet, PollSet, pthread_create, sockaddr_un } from "../../../libos/api/index";

export * from "../../../libos/api/index";

function nothing(argument: i32): i32 {
  return argument;
}

/** Never called. */
export function objects(): i32 {
  const set = new PollSet();
  set.removeAt(set.add(0, 0));
  const epoll = new EpollSet();
  const name = new sockaddr_un("name");
  return set.wait(0) + epoll.add(0, 0) + epoll.wait(0) + <i32>changetype<usize>(name) + pthread_create<i32>(nothing, 0);
}
