// The working directory, and what is mounted when somebody first asks for it: nothing is before the first path is walked.
import { diskMount } from "../optional/with_disk";
import { procStart } from "../optional/with_proc";
import { tmpfsStart } from "../optional/with_tmpfs";
import { DEVICES_NODE } from "./devices";
import { FS_DEVICES, FS_ROOT, Mount, mountAdd, mountAt, mountCount, mountCover } from "./mounts";
import { nodeHold, nodeLookup, nodeRelease } from "./node";
import { ROOT_NODE } from "./root";

/** The index of the mount of /dev. */
export const DEVICES_MOUNT: u32 = 1;

const devicePath = memory.data(4, 4);

// The working directory; held, but for the root.
let workingMount: Mount = changetype<Mount>(0);
let working: u64 = 0;

/** Mounts what an image has from the start, when the first path is walked. */
function start(): void {
  mountAdd(FS_ROOT, 0, 0);
  mountAt(0).root = ROOT_NODE;
  workingMount = mountAt(0);
  working = ROOT_NODE;
  store<u32>(devicePath, 0x7665642f); // "/dev"
  mountAdd(FS_DEVICES, devicePath, 4);
  const devices = mountAt(DEVICES_MOUNT);
  devices.root = DEVICES_NODE;
  mountCover(devices, mountAt(0), <u64>nodeLookup(mountAt(0), ROOT_NODE, devicePath + 1, 3));
  procStart();
  diskMount();
  tmpfsStart();
}

/** The mount of the working directory. */
export function workingDirectoryMount(): Mount {
  if (mountCount() == 0) start();
  return workingMount;
}

/** The working directory's node. */
export function workingDirectory(): u64 {
  return working;
}

/** Makes directory `node` of `mount` the working directory: 0 or -ENOMEM. */
export function setWorkingDirectory(mount: Mount, node: u64): i32 {
  const error = nodeHold(mount, node);
  if (error != 0) return error;
  nodeRelease(workingMount, working);
  workingMount = mount;
  working = node;
  return 0;
}
