// The guests whose one program does on command what is to be measured (probes/main.c).
import { createHash } from "node:crypto";
import { linuxGuest } from "./guest.ts";
import { programKey, staticProgram, type Linked } from "./static_program.ts";

/** Character devices by their numbers (Documentation/admin-guide/devices.txt). */
const DEVICES = { "dev/null": [1, 3], "dev/zero": [1, 5] } as const;
const MEMORY = 128;

/** System calls, pipes, processes: the domain's name is linux-probes. Returns the path of the guest's xl configuration. */
export function probesGuest(): Promise<string> {
  return programGuest("probes");
}

/** Loops of Karyon's, which are `linked`, and in C: the domain's name is linux-loops. */
export function loopsGuest(linked: Linked): Promise<string> {
  return programGuest("loops", linked);
}

async function programGuest(program: "probes" | "loops", linked?: Linked): Promise<string> {
  const objects = linked?.objects.map((object) => createHash("sha256").update(object).digest("hex"));
  return linuxGuest({
    name: `linux-${program}`,
    memory: MEMORY,
    network: false,
    key: [DEVICES, await programKey(), objects, linked?.flags],
    fill: async (root) => {
      for (const [path, [major, minor]] of Object.entries(DEVICES)) root.characterDevice(path, major, minor);
      root.file("init", await staticProgram(program, linked), 0o755);
    },
  });
}
