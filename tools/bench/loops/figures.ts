// The figures of `npm run bench -- loops`: what is compared, in program/loops.c by these names.

/** A loop that the program has as Karyon's pipeline makes it ("ours-…") and in plain C ("c-…"). */
export interface Loop {
  readonly name: string;
  readonly title: string;
}

export const LOOPS: readonly Loop[] = [
  { name: "checksum", title: "Internet checksum of 1460 B" },
  { name: "copy", title: "memory.copy of 1460 B, of a loop of words" },
  { name: "siphash", title: "SipHash-2-4 of 16 B" },
  { name: "parse", title: "parsing a request line of 58 B" },
];
