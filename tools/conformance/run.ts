// Runs cases against a subject: Karyon or Linux, each a PV guest in a lab of its own.
import { bootServer } from "../bench/servers.ts";
import type { Side } from "../bench/comparison.ts";
import type { Contest } from "../bench/contests.ts";
import { addressLine } from "../bench/addresses.ts";
import { buildImage } from "../image/build.ts";
import { repositoryPath } from "../image/paths.ts";
import { serverAddressLine, serverGuest } from "../peers/server_guest.ts";
import { SUBJECT } from "../peers/servers.ts";
import { logger } from "../support/log.ts";
import { World, type Case } from "./case.ts";
import { Link } from "./relay/link.ts";
import { SUBJECT_PORT } from "./subject/protocol.ts";
import { Subject } from "./subject/subject.ts";
import { Tester } from "./tester.ts";

const SUBJECTS: Contest = {
  titles: { karyon: "Karyon", linux: "Linux" },
  config: async (side) => {
    if (side === "linux") return { cfg: await serverGuest(SUBJECT), addressLine: serverAddressLine };
    const folder = repositoryPath("test/apps/subject");
    const image = await buildImage(folder, { progress: (stage) => logger.start(stage) });
    return { cfg: image.cfg, addressLine: (address) => addressLine(image, address) };
  },
  answers: (address) => `busybox nc -w 1 ${address} ${SUBJECT_PORT} </dev/null`,
};

/** A subject that stands ready. */
export interface Bench extends AsyncDisposable {
  /** Runs one case; rejects when the subject does something else than the case expects. */
  run(one: Case): Promise<void>;
}

/** Boots a subject and puts the tester beside it. */
export async function openBench(side: Side): Promise<Bench> {
  const server = await bootServer(side, { contest: SUBJECTS, lab: {} });
  const { lab, address } = server;
  try {
    const tester = await Tester.open(await Link.open(lab), address);
    const subject = await Subject.connect(await lab.hostForward(0, address, SUBJECT_PORT));
    const world = new World(tester, subject);
    return {
      run: async (one) => {
        try {
          await one.run(world);
        } finally {
          await world.end();
        }
      },
      // The link ends with its lab.
      [Symbol.asyncDispose]: async () => {
        subject[Symbol.dispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}
