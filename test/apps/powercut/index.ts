// Changes files for ever, in an order that follows from a seed (its first argument), and tells on the console when what it has done until then is
// synced: "synced 17". test/lab/disk.test.ts follows the same order, cuts the power, and looks at what is there.
import {
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  close,
  fsync,
  mkdir,
  open,
  perror,
  puts,
  rename,
  rmdir,
  symlink,
  truncate,
  unlink,
  writeBytes,
} from "karyon";

const FILES: u32 = 24;
const LINKS: u32 = 6;
const DIRECTORIES: u32 = 6;
const MOST: u32 = 20000;

let state: u32 = 0;
const bytes = new Uint8Array(<i32>MOST);

/** xorshift32 (Marsaglia). */
function random(below: u32): u32 {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % below;
}

/** Contents that follow from their place and the number of the step. */
function fill(step: u32, length: u32): Uint8Array {
  for (let i: u32 = 0; i < length; i++) bytes[i] = <u8>(step * 31 + i * 7 + (i >> 8));
  return bytes.subarray(0, <i32>length);
}

function put(path: string, flags: i32, step: u32, length: u32): bool {
  const fd = open(path, flags, 0x1a4); // rw-r--r--
  if (fd < 0) return false;
  const written = writeBytes(fd, fill(step, length));
  close(fd);
  return written == <i32>length;
}

/** One step; false when it has failed in a way that it must not. Files that are not there are nothing special. */
function change(step: u32): bool {
  const kind = random(10);
  const path = `/data/f${random(FILES)}`;
  const length = random(MOST);
  if (kind < 3) return put(path, O_CREAT | O_WRONLY | O_APPEND, step, length);
  if (kind < 5) return put("/data/new", O_CREAT | O_WRONLY | O_TRUNC, step, length) && rename("/data/new", path) == 0;
  if (kind == 5) unlink(path);
  else if (kind == 6) truncate(path, length);
  else if (kind == 7) {
    const link = `/data/l${length % LINKS}`;
    unlink(link);
    return symlink(`${path}.${step}`, link) == 0;
  } else {
    const directory = `/data/d${length % DIRECTORIES}`;
    if (kind == 8) mkdir(directory);
    else rmdir(directory);
  }
  return true;
}

export function main(args: string[]): i32 {
  state = args.length > 0 ? <u32>parseInt(args[0]) : 1;
  const root = open("/data", O_RDONLY);
  if (root < 0) {
    perror("/data");
    return 1;
  }
  let step: u32 = 0;
  while (true) {
    step += 1;
    if (!change(step)) {
      perror(`step ${step}`);
      return 1;
    }
    if (random(8) != 0) continue;
    if (fsync(root) != 0) {
      perror("fsync");
      return 1;
    }
    puts(`synced ${step}`);
  }
}
