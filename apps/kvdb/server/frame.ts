// What goes through the pipes between a backend and the store.
//   request   u32 length, u32 session, then `length` bytes: a command in RESP; the first of a session is its greeting:
//             "@", i32 pid of the backend, "address:port" of the client
//   answer    u32 length, u32 session, u32 FRAME_* bits, then `length` bytes for the client
//   control   postmaster to store: u32 slot, u32 session; the session's backend has ended
//   freed     store to postmaster: the same; nothing more of it comes
// A session's number tells frames of a client from those that an earlier one has left in the same pipe.

export const REQUEST_HEADER: u32 = 8;
export const ANSWER_HEADER: u32 = 12;
export const CONTROL_SIZE: u32 = 8;
/** First byte of a greeting; no command begins so. */
export const GREETING: u8 = 64;

/** Not the answer to a command. */
export const FRAME_PUSH: u32 = 1;
/** From now on frames may come without a command. */
export const FRAME_LISTENS: u32 = 2;
/** From now on none do. */
export const FRAME_ANSWERS: u32 = 4;
/** The client is to be let go after it. */
export const FRAME_LAST: u32 = 8;
