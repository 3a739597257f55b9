// Nodes of file systems on disks: the number of the inode below, and above it what an inode is for as long as it lives, its type. So nobody
// has to wait for the device to be told what a node is.
import { S_IFMT } from "../posix/constants";

/** The node of inode `number` with `mode`. */
export function diskNode(number: u32, mode: u32): u64 {
  return ((<u64>((mode & S_IFMT) >> 12)) << 32) | number;
}

/** The inode's number. */
export function diskNodeNumber(node: u64): u32 {
  return <u32>node;
}

/** S_IF… */
export function diskNodeType(node: u64): u32 {
  return (<u32>(node >> 32)) << 12;
}
