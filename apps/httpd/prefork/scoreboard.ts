// The scoreboard: what process 1 knows of its children. Children report by records through one pipe; a child that is asked for
// /server-status gets a snapshot of all of it through a pipe of its own. Here are the layouts of both, and the table.
//
//   report    i32 pid, u8 REPORT_*, u8 STATE_*, u16 0, u32 requests, u32 connections       both counts since the child's start
//   snapshot  u32 rows, u32 generation, u64 uptime in ms, u64 requests, u64 connections, then rows of
//             i32 pid, u32 generation, u32 STATE_*, u32 requests, u32 connections, u32 age in s
//
// Both fit into PIPE_BUF, so neither is ever mixed with another's.
import { MOST_WORKERS } from "./options";

/** What a child does. */
export const STATE_STARTING: u8 = 0;
export const STATE_IDLE: u8 = 1;
export const STATE_SERVING: u8 = 2;
/** It takes no more connections. */
export const STATE_ENDING: u8 = 3;

/** It accepts nothing until a stream ends. */
export const STATE_STREAMING: u8 = 4;

/** A report that only tells. */
export const REPORT_STATE: u8 = 0;
/** One that asks for a snapshot, too. */
export const REPORT_ASK: u8 = 1;

export const REPORT_SIZE: u32 = 16;
export const SNAPSHOT_HEADER: u32 = 32;
export const SNAPSHOT_ROW: u32 = 24;
export const SNAPSHOT_CAPACITY: u32 = SNAPSHOT_HEADER + SNAPSHOT_ROW * <u32>MOST_WORKERS;

/** A child. */
@final
export class Worker {
  state: u8 = STATE_STARTING;
  requests: u32 = 0;
  connections: u32 = 0;
  /** Process 1 has told it to end. */
  dismissed: bool = false;

  constructor(
    public readonly pid: i32,
    /** One more with each restart. */
    public readonly generation: u32,
    /** Monotonic milliseconds. */
    public readonly born: u64,
    /** The writing end of the pipe for its snapshots. */
    public readonly answers: i32,
  ) {}

  /** Whether a connection would have to wait. */
  get busy(): bool {
    return this.state == STATE_SERVING || this.state == STATE_STREAMING;
  }

  /** Whether it takes connections, or will. */
  get stays(): bool {
    return !this.dismissed && this.state != STATE_ENDING;
  }
}

/** All children that have not been waited for. */
@final
export class Scoreboard {
  readonly workers: Worker[] = [];
  /** One more with each restart. */
  generation: u32 = 1;
  /** Of children that have ended. */
  private pastRequests: u64 = 0;
  private pastConnections: u64 = 0;

  add(worker: Worker): void {
    this.workers.push(worker);
  }

  /** The child `pid`, null when there is none. */
  find(pid: i32): Worker | null {
    for (let i = 0; i < this.workers.length; i++) if (this.workers[i].pid == pid) return this.workers[i];
    return null;
  }

  /** Forgets the child `pid`; what it has done stays in the sums. */
  remove(pid: i32): Worker | null {
    const worker = this.find(pid);
    if (worker === null) return null;
    this.workers.splice(this.workers.indexOf(worker), 1);
    this.pastRequests += worker.requests;
    this.pastConnections += worker.connections;
    return worker;
  }

  /** Takes the report at `record`. Returns the child when it asks for a snapshot. A report of nobody known says nothing. */
  take(record: usize): Worker | null {
    const worker = this.find(load<i32>(record));
    if (worker === null) return null;
    worker.state = load<u8>(record, 5);
    worker.requests = load<u32>(record, 8);
    worker.connections = load<u32>(record, 12);
    return load<u8>(record, 4) == REPORT_ASK ? worker : null;
  }

  /** How many stay and are of the generation of now, or those that are of an earlier one. */
  count(current: bool): i32 {
    let count = 0;
    for (let i = 0; i < this.workers.length; i++) {
      const worker = this.workers[i];
      if (worker.stays && (worker.generation == this.generation) == current) count++;
    }
    return count;
  }

  /** How many stay and are of the generation of now and past their start. */
  ready(): i32 {
    let count = 0;
    for (let i = 0; i < this.workers.length; i++) {
      const worker = this.workers[i];
      if (worker.stays && worker.generation == this.generation && worker.state != STATE_STARTING) count++;
    }
    return count;
  }

  /** How many stay and have nothing to do; those that start will have nothing to do either. */
  idle(): i32 {
    let count = 0;
    for (let i = 0; i < this.workers.length; i++) {
      const worker = this.workers[i];
      if (worker.stays && !worker.busy) count++;
    }
    return count;
  }

  /** Writes a snapshot to SNAPSHOT_CAPACITY bytes at `target`; its length. */
  snapshot(target: usize, now: u64, start: u64): u32 {
    const rows = min(this.workers.length, MOST_WORKERS);
    let requests = this.pastRequests;
    let connections = this.pastConnections;
    let at = target + SNAPSHOT_HEADER;
    for (let i = 0; i < rows; i++) {
      const worker = this.workers[i];
      requests += worker.requests;
      connections += worker.connections;
      store<i32>(at, worker.pid);
      store<u32>(at, worker.generation, 4);
      store<u32>(at, worker.dismissed ? STATE_ENDING : worker.state, 8);
      store<u32>(at, worker.requests, 12);
      store<u32>(at, worker.connections, 16);
      store<u32>(at, <u32>((now - worker.born) / 1000), 20);
      at += SNAPSHOT_ROW;
    }
    store<u32>(target, rows);
    store<u32>(target, this.generation, 4);
    store<u64>(target, now - start, 8);
    store<u64>(target, requests, 16);
    store<u64>(target, connections, 24);
    return <u32>(at - target);
  }
}

/** Writes a report to REPORT_SIZE bytes at `target`. */
export function writeReport(target: usize, pid: i32, kind: u8, state: u8, requests: u32, connections: u32): void {
  store<i32>(target, pid);
  store<u8>(target, kind, 4);
  store<u8>(target, state, 5);
  store<u16>(target, 0, 6);
  store<u32>(target, requests, 8);
  store<u32>(target, connections, 12);
}
