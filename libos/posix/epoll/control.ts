// epoll_create1 and epoll_ctl. Errors, and which of several comes first, are Linux's.
import { EBADF, EEXIST, EFAULT, EINVAL, ELOOP, ENOENT, ENOMEM, EPERM } from "../../../kernel/errno";
import { descriptorFile, descriptorOpen } from "../../process/descriptors";
import { KIND_EPOLL, NO_FILE, OpenFile } from "../../process/open_file";
import { userBuffer } from "../../process/user_memory";
import {
  EPOLLERR,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLWAKEUP,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  O_RDWR,
} from "../constants";
import { EPOLL_EVENT_SIZE, EpollEvent } from "../layout";
import { openFileQueue } from "../readiness";
import { EpollEntry, NO_ENTRY, entryAlloc, entryFind, entryFree } from "./entry";
import { Epoll, NO_EPOLL, epollCreate, epollFree, epollOf } from "./epoll";
import { entryLook } from "./look";
import { mayNest } from "./nesting";
import { entryReady } from "./ready";

/** What is told without being asked for. */
const ALWAYS: u32 = EPOLLERR | EPOLLHUP;
/** What EPOLLEXCLUSIVE may be asked for with. */
const WITH_EXCLUSIVE: u32 = EPOLLIN | EPOLLOUT | ALWAYS | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

export function posix_epoll_create(flags: i32): i32 {
  if ((flags & ~EPOLL_CLOEXEC) != 0) return -EINVAL;
  const epoll = epollCreate();
  if (epoll == NO_EPOLL) return -ENOMEM;
  const fd = descriptorOpen(KIND_EPOLL, changetype<usize>(epoll), O_RDWR, (flags & EPOLL_CLOEXEC) != 0);
  if (fd < 0) epollFree(epoll);
  else epoll.fileAddress = changetype<usize>(descriptorFile(fd));
  return fd;
}

/** Why `operation` with `events` cannot be tried on `file` by the epoll `watcher`; 0 when it can. */
function controlError(watcher: OpenFile, file: OpenFile, operation: i32, events: u32): i32 {
  if (watcher == NO_FILE || file == NO_FILE) return -EBADF;
  if (changetype<usize>(openFileQueue(file)) == 0) return -EPERM; // it is always ready
  if (watcher == file || watcher.kind != KIND_EPOLL) return -EINVAL;
  const isEpoll = file.kind == KIND_EPOLL;
  if (operation != EPOLL_CTL_DEL && (events & EPOLLEXCLUSIVE) != 0) {
    if (operation == EPOLL_CTL_MOD) return -EINVAL;
    if (operation == EPOLL_CTL_ADD && (isEpoll || (events & ~WITH_EXCLUSIVE) != 0)) return -EINVAL;
  }
  return operation == EPOLL_CTL_ADD && isEpoll && !mayNest(epollOf(watcher), epollOf(file)) ? -ELOOP : 0;
}

export function posix_epoll_ctl(epoll: i32, operation: i32, fd: i32, event: u32): i32 {
  const given = operation == EPOLL_CTL_DEL ? 0 : userBuffer(event, EPOLL_EVENT_SIZE);
  if (given == 0 && operation != EPOLL_CTL_DEL) return -EFAULT;
  const events = given == 0 ? 0 : changetype<EpollEvent>(given).events;
  const data: u64 = given == 0 ? 0 : changetype<EpollEvent>(given).data;
  const watcher = descriptorFile(epoll);
  const file = descriptorFile(fd);
  const error = controlError(watcher, file, operation, events);
  if (error != 0) return error;
  const entry = entryFind(epollOf(watcher), file, fd);
  if (operation == EPOLL_CTL_ADD) return entry == NO_ENTRY ? add(epollOf(watcher), file, fd, events, data) : -EEXIST;
  if (operation != EPOLL_CTL_MOD && operation != EPOLL_CTL_DEL) return -EINVAL;
  if (entry == NO_ENTRY) return -ENOENT;
  if (operation == EPOLL_CTL_DEL) entryFree(entry);
  else if ((entry.events & EPOLLEXCLUSIVE) != 0) return -EINVAL;
  else change(entry, events, data);
  return 0;
}

function add(epoll: Epoll, file: OpenFile, fd: i32, events: u32, data: u64): i32 {
  const entry = entryAlloc();
  if (entry == NO_ENTRY) return -ENOMEM;
  entry.begin(epoll, file, fd);
  change(entry, events, data);
  return 0;
}

function change(entry: EpollEntry, events: u32, data: u64): void {
  entry.events = events | ALWAYS;
  entry.data = data;
  if (entryLook(entry) != 0) entryReady(entry);
}
