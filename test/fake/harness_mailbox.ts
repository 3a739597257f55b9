// kernel.wasm for the fake Xen, with the mailbox as system calls.
import { mailboxSend } from "../../kernel/fork/mailbox";

export * from "./harness";

const payload = memory.data(4096, 8);
let rooms = 0;

/** In place of libos/process/messages.ts's: counts. */
export function familyRoom(): void {
  rooms += 1;
}

export function test_send(type: u32, pid: i32, length: u32): i32 {
  return mailboxSend(type, 0, pid, payload, length) ? 1 : 0;
}

export function test_rooms(): i32 {
  return rooms;
}
