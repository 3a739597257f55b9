// The whole server as an appliance has it, for tests that play the kernel's part (fake_posix.ts).
import { main } from "../../../apps/httpd/index";
import { startArguments } from "karyon";

export function _start(): i32 {
  return main(startArguments());
}

export { threadStart as _thread_start } from "karyon";
