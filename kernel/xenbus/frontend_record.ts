// What a front end keeps: the driver it serves, how far it has come (frontend.ts), and, embedded behind the fields, the
// watches, the timer and the directories of both sides.
import { TextBuffer, textBuffer } from "../text";
import { Timer } from "../time/timer";
import { StoreBatch } from "./batch";
import { Watch } from "./watch";

// Places of what is embedded behind the fields.
const CLASS_WATCH: usize = 96;
const BACKEND_WATCH: usize = 336;
const TIMER: usize = 576;
const PATH: usize = 616;
const PATH_BYTES: usize = 632;
const PATH_CAPACITY: u32 = 48;
const BACKEND_PATH: usize = 680;
const BACKEND_PATH_BYTES: usize = 696;
const BACKEND_PATH_CAPACITY: u32 = 112; // with "/state"

// Frontend.state (frontend.ts).
export const SEARCH: u32 = 1;
export const ABSENT: u32 = 2;
export const IDENTIFY: u32 = 3;
export const WAIT: u32 = 4;
export const OFFER: u32 = 5;
export const PUBLISH: u32 = 6;
export const CONNECTING: u32 = 7;
export const CONNECTED: u32 = 8;
export const CLOSE: u32 = 9;
export const CLOSED: u32 = 10;
export const REOPEN: u32 = 11;
/** To be closed as soon as the batch under way is done. */
export const DOOMED: u32 = 12;

/** Frontend.wantedDevice when each is as good as the other. */
export const ANY_DEVICE: u32 = 0xffff_ffff;

/** Bytes of a Frontend, for static instances (8-byte aligned). */
export const FRONTEND_SIZE: i32 = 808;

/** What a driver supplies: function indexes, each of a function with the parameter (frontend: Frontend). */
@unmanaged
@final
export class FrontendDriver {
  /** () => void: adds the reads of what back end and toolstack offer to frontend.batch. */
  offer: u32;
  /** () => i32: takes the answers in, makes rings, grants and event channels; 0 or -errno. */
  prepare: u32;
  /** () => void: adds the writes that tell the back end of them to frontend.batch. */
  publish: u32;
  /** () => void: the back end has connected. */
  connected: u32;
  /** () => void: gives back what prepare made; the back end is gone, or will be told to go. */
  release: u32;
}

/** What of a Frontend is memory. */
@unmanaged
export class FrontendRecord {
  protected connectedAt: u64;
  protected retryAt: u64;
  protected retryDelay: u64;
  driver: FrontendDriver;
  /** Where offers are read and nodes are written, see FrontendDriver. */
  batch: StoreBatch;
  protected deviceClass: usize; // a literal
  /** Domain id of the back end. */
  backendDomain: u32;
  protected state: u32;
  protected checking: bool; // the batch reads the back end's state
  protected checkWanted: bool;
  protected restartWanted: bool;
  protected reopened: bool; // Initialising is written, the back end has not moved yet
  protected holding: bool; // prepare was successful, release is due
  /** Number of the one device that is meant; ANY_DEVICE: the first of its class. */
  wantedDevice: u32;

  /** Directory of the device on this side. */
  path(): TextBuffer {
    return changetype<TextBuffer>(changetype<usize>(this) + PATH);
  }

  /** Directory of the device on the back end's side. */
  backendPath(): TextBuffer {
    return changetype<TextBuffer>(changetype<usize>(this) + BACKEND_PATH);
  }

  protected classWatch(): Watch {
    return changetype<Watch>(changetype<usize>(this) + CLASS_WATCH);
  }

  protected backendWatch(): Watch {
    return changetype<Watch>(changetype<usize>(this) + BACKEND_WATCH);
  }

  protected timer(): Timer {
    return changetype<Timer>(changetype<usize>(this) + TIMER);
  }

  protected name(): string {
    return changetype<string>(this.deviceClass);
  }

  /** path(), emptied to be written anew. */
  protected emptyPath(): TextBuffer {
    return textBuffer(this.path(), changetype<usize>(this) + PATH_BYTES, PATH_CAPACITY);
  }

  /** backendPath(), emptied to be written anew. */
  protected emptyBackendPath(): TextBuffer {
    return textBuffer(this.backendPath(), changetype<usize>(this) + BACKEND_PATH_BYTES, BACKEND_PATH_CAPACITY);
  }
}
