// One client's connection: its descriptor, the buffers it holds at the moment, the request under way and what is still to
// be sent. exchange.ts moves it along; the three architectures differ only in how they wait for it.
//
// Memory: [Connection][Request][Body][pollfd], from storage that is reused through a free list. Buffers are there only
// while they hold something: a connection at rest between two requests holds none.
import { close, pollfd, sockaddr_in6 } from "karyon";
import { Body, Request, requestReset } from "karyon/http/message";
import {
  allocateStorage,
  giveBuffer,
  LARGE_BUFFER,
  SMALL_BUFFER,
  takeLargeBuffer,
  takeSmallBuffer,
} from "./memory_pool";
import { releaseDescriptor, SiteFile } from "./site";

/** Reading request heads and answering them. */
export const STATE_RECEIVING: u8 = 0;
/** Reading a request's body, which comes before its answer. */
export const STATE_DRAINING: u8 = 1;
/** Our side is shut down; what the client still sends is read and thrown away. */
export const STATE_LINGERING: u8 = 2;
/** The descriptor and the buffers are given back. */
export const STATE_CLOSED: u8 = 3;

@unmanaged
@final
export class Connection {
  /** The free list. */
  next: usize;
  descriptor: i32;
  state: u8;
  /** Nothing is read after the answer that is being sent. */
  closing: bool;
  /** The client may still be sending when we close, so it takes a lingering close. */
  lingers: bool;
  /** At least one byte of a request has come that has not been answered yet. */
  started: bool;
  /** At least one request has been answered. */
  served: bool;
  /** The next answer is to be the last one. */
  yields: bool;
  /** What to wait for: POLLIN or POLLOUT. */
  events: i16;
  /** Of those what the epoll of poll.ts watches; 0 before it does. */
  watched: i16;
  /** Where it stands there. */
  slot: i32;
  // Storage of the client's address: use `peer`.
  private peerHigh: u64;
  private peerLow: u64;
  /** Monotonic milliseconds at which expireConnection is due. */
  deadline: u64;

  /** Bytes received and not used: [inputStart, inputEnd) of `input`. The message under way begins at inputStart. */
  input: usize;
  inputCapacity: u32;
  inputStart: u32;
  inputEnd: u32;
  /** Bytes to send: [outputStart, outputEnd) of `output`, a large buffer. */
  outputStart: u32;
  outputEnd: u32;
  output: usize;

  /** Part of a file to be sent after the output; null when there is none. */
  file: SiteFile | null;
  fileDescriptor: i32;
  fileOffset: u64;
  fileLeft: u64;

  /** Address of the 16 bytes of the client's address, which may be a mapped IPv4 one. */
  get peer(): usize {
    return changetype<usize>(this) + offsetof<Connection>("peerHigh");
  }

  /** The request under way. */
  get request(): Request {
    return changetype<Request>(changetype<usize>(this) + offsetof<Connection>());
  }

  /** The body of that request. */
  get body(): Body {
    return changetype<Body>(changetype<usize>(this) + offsetof<Connection>() + offsetof<Request>());
  }

  /** An entry for a thread that polls this connection alone. */
  get poll(): pollfd {
    return changetype<pollfd>(changetype<usize>(this) + CONNECTION_SIZE - offsetof<pollfd>());
  }

  /** Address of the message under way. */
  get message(): usize {
    return this.input + this.inputStart;
  }

  /** Bytes of the message that have come, and maybe of those after it. */
  get available(): u32 {
    return this.inputEnd - this.inputStart;
  }

  /** True while the client has to send a request's head, or the rest of one. */
  awaitsHead(): bool {
    return this.state == STATE_RECEIVING && !this.closing && !this.hasOutput();
  }

  /** True when something is waiting to be sent. */
  hasOutput(): bool {
    return this.outputEnd != 0 || this.file !== null;
  }
}

const CONNECTION_SIZE: usize = offsetof<Connection>() + offsetof<Request>() + offsetof<Body>() + offsetof<pollfd>();

let freeConnections: usize = 0;
let openConnections: u32 = 0;

/** Connections that are open. */
export function openConnectionCount(): u32 {
  return openConnections;
}

/** A connection for the accepted descriptor, null when there is no memory. */
export function openConnection(descriptor: i32, peer: sockaddr_in6): Connection | null {
  let address = freeConnections;
  if (address != 0) {
    freeConnections = changetype<Connection>(address).next;
    memory.fill(address, 0, CONNECTION_SIZE);
  } else {
    address = allocateStorage(CONNECTION_SIZE);
    if (address == 0) return null;
  }
  const connection = changetype<Connection>(address);
  connection.descriptor = descriptor;
  peer.copyAddress(connection.peer);
  requestReset(connection.request);
  openConnections++;
  return connection;
}

/** Closes the descriptor and gives back all that the connection holds; its struct stays until freeConnection. */
export function closeConnection(connection: Connection): void {
  if (connection.state == STATE_CLOSED) return;
  releaseInput(connection);
  releaseOutput(connection);
  releaseFile(connection);
  close(connection.descriptor);
  connection.state = STATE_CLOSED;
  openConnections--;
}

/** Puts the struct of a closed connection on the free list. */
export function freeConnection(connection: Connection): void {
  connection.next = freeConnections;
  freeConnections = changetype<usize>(connection);
}

/**
 * Makes room for receiving: borrows a buffer, moves the message to its front, or to a larger buffer.
 * @returns false when there is no memory for it
 */
export function reserveInput(connection: Connection): bool {
  if (connection.input == 0) {
    connection.input = takeSmallBuffer();
    connection.inputCapacity = SMALL_BUFFER;
    return connection.input != 0;
  }
  if (connection.inputEnd < connection.inputCapacity) return true;
  let target = connection.input;
  if (connection.inputStart == 0) {
    // A large buffer holds the longest head and more, so the parser has refused before one is full.
    if (connection.inputCapacity == LARGE_BUFFER) return false;
    target = takeLargeBuffer();
    if (target == 0) return false;
  }
  memory.copy(target, connection.message, connection.available);
  if (target != connection.input) {
    giveBuffer(connection.input, connection.inputCapacity);
    connection.input = target;
    connection.inputCapacity = LARGE_BUFFER;
  }
  connection.inputEnd = connection.available;
  connection.inputStart = 0;
  return true;
}

/** Gives back the input buffer and what is in it. */
export function releaseInput(connection: Connection): void {
  if (connection.input != 0) giveBuffer(connection.input, connection.inputCapacity);
  connection.input = 0;
  connection.inputStart = 0;
  connection.inputEnd = 0;
}

/** Makes sure of an output buffer. Returns false when there is no memory. */
export function reserveOutput(connection: Connection): bool {
  if (connection.output == 0) connection.output = takeLargeBuffer();
  return connection.output != 0;
}

/** Gives back the output buffer and what is in it. */
export function releaseOutput(connection: Connection): void {
  if (connection.output != 0) giveBuffer(connection.output, LARGE_BUFFER);
  connection.output = 0;
  connection.outputStart = 0;
  connection.outputEnd = 0;
}

/** Forgets the file that was being sent. */
export function releaseFile(connection: Connection): void {
  const file = connection.file;
  if (file !== null) releaseDescriptor(file, connection.fileDescriptor);
  connection.file = null;
}
