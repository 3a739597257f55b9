// The guest whose one program does on command what is to be measured (probes/main.c): fork, system calls, pipes.
import { linuxGuest } from "./guest.ts";
import { programKey, staticProgram } from "./static_program.ts";

/** Character devices by their numbers (Documentation/admin-guide/devices.txt). */
const DEVICES = { "dev/null": [1, 3], "dev/zero": [1, 5] } as const;
const MEMORY = 128;

/** Makes the guest and returns the path of its xl configuration; the domain's name is linux-probes. */
export async function probesGuest(): Promise<string> {
  return linuxGuest({
    name: "linux-probes",
    memory: MEMORY,
    network: false,
    key: [DEVICES, await programKey()],
    fill: async (root) => {
      for (const [path, [major, minor]] of Object.entries(DEVICES)) root.characterDevice(path, major, minor);
      root.file("init", await staticProgram("probes"), 0o755);
    },
  });
}
