// Which disks there are: what the command line says, disk=xvda:/data, as often as needed. Device xvda has number 51712, and each letter 16 more
// (xen/docs/man/xen-vbd-interface.7). They begin to connect at boot, and are mounted when the first path is walked.
import { TextSpan, optionAt, optionCount } from "../../../kernel/command_line";
import { ENODEV, EINVAL, ENOMEM, ENOTDIR } from "../../../kernel/errno";
import { log } from "../../../kernel/log";
import { bytesEqualText } from "../../../kernel/text";
import { blkfrontStart } from "../../blk/blkfront";
import { BlockDevice, deviceAwait } from "../../blk/device";
import { S_IFDIR } from "../../posix/constants";
import { diskNode } from "../disk_node";
import { FS_DISK, mountAdd, mountAt, mountCover, mountForget } from "../mounts";
import { nodeHold } from "../node";
import { WALK_SIZE, Walk, walkTo } from "../walk";
import { ROOT_INODE } from "./layout";
import { volumeMend, volumeOpen } from "./open";
import { Volume } from "./volume";
import { volumeAdd } from "./volumes";
import { diskLock, diskUnlock } from "./lock";
import { writerStart } from "./writer";

const OPTION: u32 = 5; // "disk="
const NAME: u32 = 4; // "xvda"
const COLON: u8 = 0x3a;
const LETTER_A: u8 = 0x61;
const LETTER_P: u8 = 0x70;
/** xvda. */
const FIRST_DEVICE: u32 = 202 << 8;
/** A disk that does not connect for so long (ns) is not there. */
const PATIENCE: u64 = 10_000_000_000;
const DISKS: u32 = 8;

const devices = memory.data(32, 4); // a BlockDevice's address for each option, in their order
const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));
let isStarted = false;

/** The number of device "xvdX" at `text`; 0 when it is none, or no path follows it. */
function deviceNumber(text: usize, length: u32): u32 {
  if (length < NAME + 2 || !bytesEqualText(text, 3, "xvd") || load<u8>(text + NAME) != COLON) return 0;
  const letter = load<u8>(text + 3);
  return letter < LETTER_A || letter > LETTER_P ? 0 : FIRST_DEVICE + <u32>(letter - LETTER_A) * 16;
}

/** Whether option `index` is of a disk. */
function isDisk(index: u32): bool {
  const option: TextSpan = optionAt(index);
  return option.length > OPTION && bytesEqualText(option.address, OPTION, "disk=");
}

/** Export, by libos/optional/with_disk.ts. */
export function diskStart(): void {
  let count: u32 = 0;
  for (let i: u32 = 0; i < optionCount() && count < DISKS; i++) {
    if (!isDisk(i)) continue;
    const option = optionAt(i);
    const number = deviceNumber(option.address + OPTION, option.length - OPTION);
    if (number != 0) store<usize>(devices + ((<usize>count) << 2), blkfrontStart(number));
    count += 1;
  }
}

/** Mounts `volume` at `path`: 0 or -errno. */
function mountVolume(volume: Volume, path: usize, length: u32): i32 {
  const index = mountAdd(FS_DISK, path, length);
  if (index < 0) return index;
  const mount = mountAt(index);
  mount.volume = changetype<usize>(volume);
  mount.root = diskNode(ROOT_INODE, S_IFDIR);
  let error = walkTo(path, length, true, walk);
  if (error == 0 && !walk.isDirectory()) error = -ENOTDIR;
  if (error == 0) error = nodeHold(walk.mount, walk.node);
  if (error == 0 && !volumeAdd(volume)) error = -ENOMEM;
  if (error != 0) mountForget();
  else mountCover(mount, walk.mount, walk.node);
  return error;
}

/** Mounts what is on the device of an option, "xvda:/data": 0 or -errno. */
function mountDevice(address: usize, text: usize, length: u32): i32 {
  if (deviceNumber(text, length) == 0) return -EINVAL;
  if (address == 0) return -ENOMEM;
  const device = changetype<BlockDevice>(address);
  if (!deviceAwait(device, PATIENCE)) return -ENODEV;
  const volume = volumeOpen(device);
  if (volume < 0) return volume;
  return mountVolume(changetype<Volume>(<usize>volume), text + NAME + 1, length - NAME - 1);
}

function complain(text: usize, length: u32, error: i32): void {
  const line = log("disk").text("cannot mount ").bytes(text, length).text(": error ").decimal(-error);
  const mend = error == -ENODEV ? "there is no such device: see disk= in the cfg" : volumeMend();
  if (mend.length != 0) line.text(", ").text(mend);
  line.end();
}

/** Export, by libos/optional/with_disk.ts. */
export function diskMount(): void {
  if (isStarted) return;
  isStarted = true;
  diskLock();
  let count: u32 = 0;
  for (let i: u32 = 0; i < optionCount() && count < DISKS; i++) {
    if (!isDisk(i)) continue;
    const option = optionAt(i);
    const text = option.address + OPTION;
    const length = option.length - OPTION;
    const error = mountDevice(load<usize>(devices + ((<usize>count) << 2)), text, length);
    if (error != 0) complain(text, length, error);
    count += 1;
  }
  if (count != 0 && !writerStart()) log("disk").text("no memory to write in the background").end();
  diskUnlock();
}
