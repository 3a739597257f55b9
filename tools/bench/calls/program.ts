// The program of probes that does system calls on Linux; test/apps/probes is its like on Karyon.
import { fileURLToPath } from "node:url";
import type { ProbeProgram } from "../peers/program_guest.ts";

export const CALLS_PROGRAM: ProbeProgram = {
  name: "linux-calls",
  folder: fileURLToPath(new URL("program/", import.meta.url)),
};
