// The directory that a walk (walk.ts) does not leave. Only images for WASI have such: nothing but libos/wasi turns it on, so that elsewhere the
// compiler leaves all of it out.
import { Mount, NO_MOUNT } from "./mounts";
import { ROOT_NODE } from "./root";

let isOn: bool = false;
/** For the next walk. */
let isWanted: bool = false;
let fenceMount: Mount = changetype<Mount>(0);
let fenceNode: u64 = 0;

/** From now on, walks from an open directory stay below it. */
export function fencesTurnOn(): void {
  isOn = true;
}

/** The next walk is one from an open directory, or not. */
export function fenceWanted(wanted: bool): void {
  isWanted = isOn && wanted;
}

/** A walk begins at directory `node` of `mount`. */
export function fenceBegin(mount: Mount, node: u64): void {
  if (!isOn) return;
  fenceMount = isWanted ? mount : NO_MOUNT;
  fenceNode = node;
  isWanted = false;
}

/** Whether that is the directory, above which the walk may not go. */
export function fenceIsAt(mount: Mount, node: u64): bool {
  return isOn && node == fenceNode && mount == fenceMount;
}

/** Whether the walk may not go anywhere: it stays below a directory that is not the root of all. */
export function fenceIsClosed(): bool {
  return isOn && fenceMount != NO_MOUNT && !(fenceMount.index == 0 && fenceNode == ROOT_NODE);
}

/** The walk goes on in what a descriptor is for, which may be elsewhere: it stays there. */
export function fenceMove(mount: Mount, node: u64): void {
  if (!fenceIsClosed()) return;
  fenceMount = mount;
  fenceNode = node;
}
