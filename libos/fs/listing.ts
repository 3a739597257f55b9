// What listing a directory tells of one name, whatever kind of file system it is in.

/** Bytes of a ListedName. */
export const LISTED_NAME_SIZE: i32 = 32;

/** A name in a directory. */
@unmanaged
@final
export class ListedName {
  /** The bytes of the name: good until the next is asked for. */
  name: usize;
  length: u32;
  /** S_IF… */
  type: u32;
  node: u64;
  /** The position behind it: where the next call goes on. */
  next: u64;
}
