// What an epoll's entry is ready for, when somebody looks. Before that is watched what there is to watch, and other processes are asked to wake us:
// so what changes from then on puts the entry into the ready list, whatever is found.
import { pipeNote } from "../../optional/with_pipe";
import { unixPipe } from "../../optional/with_unix";
import { KIND_SHARED_PIPE, KIND_UNIX, OpenFile } from "../../process/open_file";
import { openFileEvents } from "../readiness";
import { EpollEntry, entryWatchPipe } from "./entry";

/** What of its events an entry is ready for. */
export function entryLook(entry: EpollEntry): u32 {
  return entryReadiness(entry) & entry.events;
}

/** What the description of an entry is ready for. */
export function entryReadiness(entry: EpollEntry): u32 {
  const file = entry.file;
  return file.kind == KIND_UNIX || file.kind == KIND_SHARED_PIPE
    ? readinessByOthers(entry, file)
    : openFileEvents(file);
}

/** That of two kinds which depend on more than their own queue. */
function readinessByOthers(entry: EpollEntry, file: OpenFile): u32 {
  if (file.kind == KIND_UNIX) {
    entryWatchPipe(entry, 1, unixPipe(file, true));
    entryWatchPipe(entry, 2, unixPipe(file, false));
  } else pipeNote(file);
  return openFileEvents(file);
}
