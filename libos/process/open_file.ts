// Open file descriptions, as POSIX calls them: what descriptors refer to. dup (and one day fork) makes a second
// descriptor of one description, so the position and the status flags are here and not in the descriptor.
// A call that may block holds a reference of its own, so a close by another thread takes nothing from under it.
// Invariant: `references` counts the descriptors and the calls under way; at 0 the object behind is closed.
import { SLAB_SIZE, Slab, slabInit } from "../../kernel/memory/slab";
import { contentsClose } from "../fs/contents";
import { TcpSocket } from "../net/tcp/socket";
import { UdpSocket } from "../net/udp/socket";
import { O_NONBLOCK, O_WRONLY } from "../posix/constants";
import { anonymousClose } from "../optional/with_anonymous";
import { watchesEnd } from "../optional/with_epoll";
import { socketClose } from "../optional/with_network";
import { pipeClose } from "../optional/with_pipe";

/** What is behind a description. */
export const KIND_CONSOLE: u32 = 0;
export const KIND_FILE: u32 = 1;
export const KIND_DIRECTORY: u32 = 2;
export const KIND_TCP: u32 = 3;
export const KIND_UDP: u32 = 4;
/** A socket of AF_UNIX. Sockets are KIND_TCP up to here. */
export const KIND_UNIX: u32 = 5;
export const KIND_PIPE: u32 = 6;
export const KIND_DEVICE: u32 = 7;
/** A pipe that parent and child of a fork have in common. */
export const KIND_SHARED_PIPE: u32 = 8;
/** What Linux calls anonymous inodes: from here on. */
export const KIND_EPOLL: u32 = 9;
export const KIND_EVENT: u32 = 10;
export const KIND_TIMER: u32 = 11;
export const KIND_SIGNAL: u32 = 12;

@unmanaged
@final
export class OpenFile {
  /** KIND_… */
  kind: u32;
  references: u32;
  /** Access mode and status flags (O_…). */
  flags: i32;
  /** TcpSocket, UdpSocket, UnixSocket, Pipe, SharedPipe, DEVICE_…, Epoll, EventCounter, TimerFile; of a file what its contents are found by (libos/fs/contents.ts). */
  object: usize;
  /** Of a file: the next byte. Of a directory: where its listing goes on. */
  position: u64;
  /** SO_RCVTIMEO and SO_SNDTIMEO in ns; 0 = none. */
  receiveTimeout: u64;
  sendTimeout: u64;
  /** Of a file and a directory: the Mount it is in, held, and its node there (libos/fs/node.ts); 0 for others. */
  mount: usize;
  node: u64;
  /** The first Watch of an epoll (libos/posix/epoll/entry.ts), 0 for none. */
  watches: usize;

  get nonBlocking(): bool {
    return (this.flags & O_NONBLOCK) != 0;
  }

  get tcp(): TcpSocket {
    return changetype<TcpSocket>(this.object);
  }

  get udp(): UdpSocket {
    return changetype<UdpSocket>(this.object);
  }
}

/** No description. */
export const NO_FILE: OpenFile = changetype<OpenFile>(0);

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
let initialised = false;

/** A new description with one reference, or NO_FILE when memory is exhausted. */
export function openFileCreate(kind: u32, object: usize, flags: i32): OpenFile {
  if (!initialised) {
    slabInit(slab, offsetof<OpenFile>());
    initialised = true;
  }
  const file = changetype<OpenFile>(slab.alloc());
  if (file == NO_FILE) return NO_FILE;
  file.kind = kind;
  file.references = 1;
  file.object = object;
  file.flags = flags;
  return file;
}

/** Whether a socket is behind it. */
export function openFileIsSocket(file: OpenFile): bool {
  return file.kind - KIND_TCP <= KIND_UNIX - KIND_TCP;
}

/** Whether it is an end of a pipe. */
export function openFileIsPipe(file: OpenFile): bool {
  return file.kind == KIND_PIPE || file.kind == KIND_SHARED_PIPE;
}

/** Whether it is neither file nor socket nor pipe: what with_anonymous.ts is for. */
export function openFileIsAnonymous(file: OpenFile): bool {
  return file.kind - KIND_EPOLL <= KIND_SIGNAL - KIND_EPOLL;
}

/** Whether its access mode lets it be read. */
export function openFileIsReadable(file: OpenFile): bool {
  return (file.flags & O_WRONLY) == 0; // a bit that O_RDONLY and O_RDWR do not have
}

/** Whether its access mode lets it be written. */
export function openFileIsWritable(file: OpenFile): bool {
  return ((file.flags + 1) & 2) != 0; // O_WRONLY + 1 and O_RDWR + 1 have that bit, O_RDONLY + 1 and O_ACCMODE + 1 do not
}

/** One more reference. */
export function openFileHold(file: OpenFile): void {
  file.references += 1;
}

/** One reference less; the last one closes. */
export function openFileRelease(file: OpenFile): void {
  file.references -= 1;
  if (file.references != 0) return;
  if (file.watches != 0) watchesEnd(file);
  if (openFileIsSocket(file)) socketClose(file);
  else if (openFileIsPipe(file)) pipeClose(file);
  else if (openFileIsAnonymous(file)) anonymousClose(file);
  else if (file.mount != 0) contentsClose(file);
  slab.free(changetype<usize>(file));
}
