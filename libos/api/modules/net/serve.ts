// A server with a thread for each connection, so that a handler may wait as it likes. Threads are cooperative: while a handler computes, no other runs.
import { EBADF, EINVAL, ENOTSOCK } from "../../../../kernel/errno";
import { errno, keep } from "../../errno";
import * as posix from "../../posix";
import { pthread_attr_t, pthread_create } from "../../thread";
import { usleep } from "../../unistd";
import { Connection } from "./connection";
import { Server, listen } from "./server";

/** How many connections are served at a time by default: a thread each, of 40 KiB. Further ones wait in the listener's queue. */
export const CONNECTIONS: i32 = 64;
/** Pause before another attempt when there is no descriptor, no memory or no thread, in microseconds. */
const PAUSE: u32 = 10_000;

/** The connections that are served by one `serve`. */
@final
class Gate {
  /** A futex. */
  open: i32 = 0;

  /** Waits until fewer than `most` are open. */
  wait(most: i32): void {
    while (this.open >= most) {
      keep(errno, posix.futex_wait(changetype<usize>(this) + offsetof<Gate>("open"), <u32>this.open, -1));
    }
  }

  leave(): void {
    this.open -= 1;
    posix.futex_wake(changetype<usize>(this) + offsetof<Gate>("open"), 1);
  }
}

/** What serves connections, where a function is not enough: an object, which can have more to it. */
export abstract class ConnectionHandler {
  /** Serves `connection`, which is closed when it returns. */
  abstract serve(connection: Connection): void;
}

/** A function that does. */
@final
class FunctionHandler extends ConnectionHandler {
  constructor(private handler: (connection: Connection) => void) {
    super();
  }

  serve(connection: Connection): void {
    const handler = this.handler;
    handler(connection);
  }
}

/** What a thread is given. */
@final
class Task {
  constructor(
    public connection: Connection,
    public handler: ConnectionHandler,
    public gate: Gate,
  ) {}
}

function run(task: Task): i32 {
  task.handler.serve(task.connection);
  if (task.connection.fd >= 0) task.connection.close();
  task.gate.leave();
  return 0;
}

/** Whether the listener itself is of no use any more. */
function isOver(error: i32): bool {
  return error == EBADF || error == EINVAL || error == ENOTSOCK;
}

/** Like `serve`, with a listener that is there: returns when it is closed. */
export function serveOn(server: Server, handler: ConnectionHandler, most: i32 = CONNECTIONS): bool {
  const gate = new Gate();
  const attributes = new pthread_attr_t();
  attributes.detached = true;
  while (true) {
    gate.wait(most);
    const connection = server.accept();
    if (connection === null) {
      if (isOver(errno)) return false;
      usleep(PAUSE);
      continue;
    }
    gate.open += 1;
    if (pthread_create(run, new Task(connection, handler, gate), attributes) >= 0) continue;
    connection.close();
    gate.leave();
    usleep(PAUSE);
  }
}

/**
 * Listens on `port` and has `handler` called for each connection, on a thread of its own; up to `most` at a time. The connection is closed when it returns. Returns only when it cannot
 * listen: false (EADDRINUSE …).
 */
export function serve(port: u16, handler: (connection: Connection) => void, most: i32 = CONNECTIONS): bool {
  const server = listen(port);
  return server === null ? false : serveOn(server, new FunctionHandler(handler), most);
}
