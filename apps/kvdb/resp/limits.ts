// What bounds everything that a client can send or ask for.

/** Words of a command. */
export const MOST_WORDS: u32 = 1024;
/** Bytes of a word. */
export const MOST_WORD: u32 = 64 * 1024;
/** Bytes of a key. */
export const MOST_KEY: u32 = 1024;
/** Bytes of a command as it is sent. */
export const MOST_COMMAND: u32 = 160 * 1024;
/** Bytes of a command that is sent as a line, without RESP. */
export const MOST_LINE: u32 = 4096;
/** Bytes of an answer. */
export const MOST_ANSWER: u32 = 256 * 1024;
