// Names of AF_UNIX sockets, and the calls that have to do with them. A name is of one process: there is no file system that it could be
// written to, so a path is as good as an abstract name, and both go with the socket that is bound to them. Errors are Linux's.
import {
  EADDRINUSE,
  ECONNREFUSED,
  EFAULT,
  EINVAL,
  EISCONN,
  ENFILE,
  ENOBUFS,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  EPROTOTYPE,
} from "../../../kernel/errno";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { MESSAGE_NAME_MAX } from "../../pipe/message";
import { descriptorFree, descriptorSet } from "../../process/descriptors";
import { processId } from "../../process/identity";
import { KIND_UNIX, NO_FILE, OpenFile, openFileCreate, openFileHold, openFileRelease } from "../../process/open_file";
import { userBuffer } from "../../process/user_memory";
import { CALL_ACCEPT, CALL_BIND, CALL_LISTEN, NO_NAMES } from "../../optional/with_unix_names";
import { AF_UNIX, AF_UNSPEC, O_RDWR, SOCK_CLOEXEC, SOCK_NONBLOCK, SOMAXCONN } from "../constants";
import { timeoutDeadline } from "../deadline";
import { UNIX_ADDRESS_SIZE, UnixAddress } from "../layout";
import { fileWait } from "../stream";
import { unixAddressRead, unixAddressWritable, unixAddressWrite, unixNameLength } from "./address";
import { isPeerOf } from "./record";
import {
  CONNECTED,
  LISTENING,
  NO_NAME,
  NO_UNIX,
  UNCONNECTED,
  UnixName,
  UnixSocket,
  nameCreate,
  setName,
  unixConnectors,
  unixCreate,
  unixDestroy,
  unixDisconnect,
  unixJoin,
  unixOf,
  unixScratch,
  unixSockets,
  writeTo,
} from "./socket";

/** A name as it was given, copied once out of app memory. */
let given: usize = 0;
let givenLength: u32 = 0;

/** The name that a socket gets which is bound to none: five digits, an abstract one. */
const automatic = memory.data(6, 1);
let automaticLast: u32 = 0;

/** Copies the name at `address` of app memory to `given`: 0, -EFAULT, -EINVAL. */
function take(address: u32): i32 {
  const at = unixAddressRead(address);
  if (at < 0) return <i32>at;
  const un = changetype<UnixAddress>(<usize>at);
  const length = <u32>un.length;
  if (length > MESSAGE_NAME_MAX) return -EINVAL;
  given = unixScratch().name;
  memory.copy(given, un.path, length);
  givenLength = unixNameLength(given, length);
  return 0;
}

/** The socket that is bound to a name; an abstract one is another for each type. */
function find(bytes: usize, length: u32, type: i32): UnixSocket {
  const isAbstract = load<u8>(bytes) == 0;
  for (let s = unixSockets(); s != NO_UNIX; s = changetype<UnixSocket>(s.next)) {
    if (!s.isBound || (isAbstract && s.type != type)) continue;
    const name = changetype<UnixName>(s.name);
    if (name.length == length && memory.compare(name.bytes, bytes, length) == 0) return s;
  }
  return NO_UNIX;
}

/** Export, by libos/optional/with_unix_names.ts. */
export function unixFind(address: u32, type: i32, found: usize): i32 {
  const error = take(address);
  if (error != 0) return error;
  if (givenLength == 0) return -EINVAL;
  const s = find(given, givenLength, type);
  if (s == NO_UNIX) return load<u8>(given) == 0 ? -ECONNREFUSED : -ENOENT;
  if (s.type != type) return -EPROTOTYPE;
  store<usize>(found, changetype<usize>(s));
  return 0;
}

/** Export, by libos/optional/with_unix_names.ts. */
export function unixNamed(call: i32, file: OpenFile, address: u32, argument: i32): i32 {
  openFileHold(file);
  const result = call == CALL_BIND ? bind(unixOf(file), address) : connection(call, file, address, argument);
  openFileRelease(file);
  return result ^ NO_NAMES;
}

function connection(call: i32, file: OpenFile, address: u32, argument: i32): i32 {
  const s = unixOf(file);
  if (call == CALL_ACCEPT) return s.isDatagram ? -EOPNOTSUPP : accept(file, s, address, argument);
  if (call == CALL_LISTEN) return s.isDatagram ? -EOPNOTSUPP : listen(s, argument);
  return s.isDatagram ? connectDatagrams(s, address) : connectStream(file, s, address);
}

function bind(s: UnixSocket, address: u32): i32 {
  const error = take(address);
  if (error != 0) return error;
  if (s.isBound) return givenLength == 0 ? 0 : -EINVAL;
  if (s.name != 0) return -EINVAL; // its listener's
  if (givenLength == 0) return bindAny(s);
  return find(given, givenLength, s.type) != NO_UNIX ? -EADDRINUSE : bindTo(s, given, givenLength);
}

function bindTo(s: UnixSocket, bytes: usize, length: u32): i32 {
  const name = nameCreate(bytes, length);
  if (name == NO_NAME) return -ENOBUFS;
  setName(s, name, false);
  name.references -= 1;
  s.isBound = true;
  return 0;
}

/** Gives it the next free name of five hexadecimal digits: no process has as many sockets as there are. */
function bindAny(s: UnixSocket): i32 {
  do {
    automaticLast = (automaticLast + 1) & 0xfffff;
    store<u8>(automatic, 0);
    for (let i: u32 = 0; i < 5; i++) {
      const digit = (automaticLast >> (16 - 4 * i)) & 0xf;
      store<u8>(automatic + 1 + i, <u8>(digit < 10 ? 0x30 + digit : 0x57 + digit));
    }
  } while (find(automatic, 6, s.type) != NO_UNIX);
  return bindTo(s, automatic, 6);
}

function listen(s: UnixSocket, backlog: i32): i32 {
  if (!s.isBound || s.state == CONNECTED) return -EINVAL;
  s.state = LISTENING;
  s.backlog = <u32>min(<u32>backlog, <u32>SOMAXCONN);
  s.peerPid = processId();
  wakeAll(s.queue);
  wakeAll(unixConnectors());
  return 0;
}

function accept(file: OpenFile, s: UnixSocket, address: u32, flags: i32): i32 {
  if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return -EINVAL;
  if (!unixAddressWritable(address)) return -EFAULT;
  const deadline = timeoutDeadline(file.receiveTimeout);
  while (s.waitingFirst == 0) {
    if (s.state != LISTENING || s.readShut) return -EINVAL;
    const waited = fileWait(file, 0, s.queue, deadline);
    if (waited != 0) return waited;
  }
  const fd = descriptorFree(0);
  if (fd < 0) return fd;
  const accepted = changetype<UnixSocket>(s.waitingFirst);
  const opened = openFileCreate(KIND_UNIX, changetype<usize>(accepted), O_RDWR | (flags & SOCK_NONBLOCK));
  if (opened == NO_FILE) return -ENFILE;
  s.waitingFirst = accepted.waitingNext;
  s.waiting -= 1;
  accepted.waitingNext = 0;
  wakeAll(unixConnectors());
  descriptorSet(fd, opened, (flags & SOCK_CLOEXEC) != 0);
  const client = changetype<UnixName>(accepted.peerName);
  if (client == NO_NAME) unixAddressWrite(address, 0, 0);
  else unixAddressWrite(address, client.bytes, client.length);
  return fd;
}

/** What was found, for who has just sought it. */
const found = memory.data(4, 4);

function foundSocket(): UnixSocket {
  return changetype<UnixSocket>(load<usize>(found));
}

/** Finds the listener at `address`: 0, or why nobody connects there. */
function findListener(address: u32, type: i32): i32 {
  const error = unixFind(address, type, found);
  if (error != 0) return error;
  return foundSocket().state == LISTENING && !foundSocket().readShut ? 0 : -ECONNREFUSED;
}

function connectStream(file: OpenFile, s: UnixSocket, address: u32): i32 {
  const deadline = timeoutDeadline(file.sendTimeout);
  while (true) {
    if (s.state != UNCONNECTED) return s.state == CONNECTED ? -EISCONN : -EINVAL;
    const error = findListener(address, s.type);
    if (error != 0) return error;
    const listener = foundSocket();
    if (listener.waiting <= listener.backlog) return connectTo(s, listener);
    const waited = fileWait(file, 0, unixConnectors(), deadline);
    if (waited != 0) return waited;
  }
}

function connectTo(s: UnixSocket, listener: UnixSocket): i32 {
  const server = unixCreate(s.type);
  if (server == NO_UNIX) return -ENFILE;
  const error = unixJoin(s, server);
  if (error != 0) {
    unixDestroy(server);
    return error;
  }
  s.peerPid = listener.peerPid;
  setName(server, changetype<UnixName>(listener.name), false);
  setName(s, changetype<UnixName>(listener.name), true);
  setName(server, changetype<UnixName>(s.name), true);
  if (listener.waitingFirst == 0) listener.waitingFirst = changetype<usize>(server);
  else {
    let last = changetype<UnixSocket>(listener.waitingFirst);
    while (last.waitingNext != 0) last = changetype<UnixSocket>(last.waitingNext);
    last.waitingNext = changetype<usize>(server);
  }
  listener.waiting += 1;
  wakeAll(listener.queue);
  wakeAll(s.queue);
  return 0;
}

function connectDatagrams(s: UnixSocket, address: u32): i32 {
  if (isUnspecified(address)) {
    unixDisconnect(s);
    return 0;
  }
  const error = unixFind(address, s.type, found);
  if (error != 0) return error;
  const other = foundSocket();
  if (!isPeerOf(other, s)) return -EPERM;
  unixDisconnect(s);
  writeTo(s, other);
  s.state = CONNECTED;
  setName(s, changetype<UnixName>(other.name), true);
  wakeAll(s.queue);
  return 0;
}

/** Whether the sockaddr says that there is to be no peer any more. */
function isUnspecified(address: u32): bool {
  const bytes = userBuffer(address, 2);
  return bytes != 0 && load<u16>(bytes) == AF_UNSPEC;
}

/**
 * Makes the sockaddr_un at `address` name the `length` bytes at `name`: 0, -EINVAL when they are too many. An app has sockets with names in
 * its image because it makes this call, and no other makes it.
 */
export function posix_unix_address(address: u32, name: u32, length: u32): i32 {
  const target = userBuffer(address, UNIX_ADDRESS_SIZE);
  const bytes = length > MESSAGE_NAME_MAX ? 0 : userBuffer(name, length);
  if (target == 0 || (bytes == 0 && length <= MESSAGE_NAME_MAX)) return -EFAULT;
  if (length > MESSAGE_NAME_MAX) return -EINVAL;
  changetype<UnixAddress>(target).family = <u16>AF_UNIX;
  unixAddressWrite(address, bytes, length);
  return 0;
}
