// Karyon's httpd beside nginx on Linux: both PV guests of the same Xen, serving a page of the same length from a fixed
// address to the same client, compared by the instructions that their CPU executes, for them and for Xen on their
// behalf. Absolute times under emulation mean nothing; these counts do not depend on the machine or its load.
import { GUEST_SETTINGS, total, type Instructions } from "../lab/count/count.ts";
import { Lab } from "../lab/lab.ts";
import { linuxPeer, PEER_PAGE_SIZE } from "../lab/peer/peer.ts";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { countText, type Measurement } from "./figures.ts";
import { pageImage } from "./images.ts";

const ADDRESS = "10.0.2.20";
const CREATE_TIMEOUT_MS = 180_000;
const BOOT_TIMEOUT_MS = 300_000;
const REQUESTS_TIMEOUT_MS = 180_000;
// Two runs of different length: their difference is free of connecting and closing.
const FEW = 50;
const MANY = 250;

// Ours is so short that what Xen does while it is idle shows: several boots, of which the middle one counts.
const OUR_BOOTS = 3;

interface GuestFigures {
  /** Instructions to the first answer. */
  readonly boot: Instructions;
  /** Instructions a request. */
  readonly request: number;
}

/** Measures boot and request. */
export async function measureInstructions(): Promise<ReadonlyMap<string, Measurement>> {
  const { cfg } = await pageImage(`${ADDRESS}/24`);
  const runs: GuestFigures[] = [];
  for (let run = 1; run <= OUR_BOOTS; run++) runs.push(await measureGuest("httpd on Karyon", cfg));
  const boot = median(runs, (figures) => total(figures.boot)).boot;
  const request = median(runs, (figures) => figures.request).request;
  const linux = await measureGuest("nginx on Linux", await linuxPeer({ address: `${ADDRESS}/24` }));
  return new Map([
    ["boot", compared(total(boot), total(linux.boot), { ours: runs.map((run) => run.boot), linux: linux.boot })],
    ["request", compared(request, linux.request, { ours: runs.map((run) => run.request), linux: linux.request })],
  ]);
}

function median(runs: readonly GuestFigures[], figure: (run: GuestFigures) => number): GuestFigures {
  return runs.toSorted((a, b) => figure(a) - figure(b))[Math.floor(runs.length / 2)] as GuestFigures;
}

function compared(ours: number, linux: number, raw: Measurement["raw"] & object): Measurement {
  return { value: ours / linux, made: `${countText(ours)} of ${countText(linux)}`, raw };
}

// A lab of its own for each boot, so that all begin in the same state and none sees what another left behind.
async function measureGuest(title: string, cfg: string): Promise<GuestFigures> {
  logger.start(`${title}: boot, then ${FEW} and ${MANY} requests`);
  await using lab = await Lab.start({ accelerator: "icount" });
  // A paused domain has executed nothing yet: what is counted is the guest's own, from its first instruction on.
  const { name } = await lab.create(cfg, { extra: GUEST_SETTINGS, args: ["-p"], timeoutMs: CREATE_TIMEOUT_MS });
  const boot = await lab.countInstructions(() => firstAnswer(lab, name));
  const few = await lab.countInstructions(() => requests(lab, FEW));
  const many = await lab.countInstructions(() => requests(lab, MANY));
  const request = (total(many) - total(few)) / (MANY - FEW);
  logger.info(`${title}: ${countText(total(boot))} instructions to the first answer, ${countText(request)} a request`);
  return { boot, request };
}

async function firstAnswer(lab: Lab, name: string): Promise<void> {
  const answered = `curl -s -f -o /dev/null --connect-timeout 1 http://${ADDRESS}/`;
  await lab.run(`xl unpause '${name}'; until ${answered}; do sleep 0.05; done`, { timeoutMs: BOOT_TIMEOUT_MS });
}

/** `count` requests on one connection, one after the other, each with the whole page for an answer. */
async function requests(lab: Lab, count: number): Promise<void> {
  const format = "%{http_code} %{size_download} %{num_connects}\\n";
  const command = `curl -s -o /dev/null -w '${format}' 'http://${ADDRESS}/?[1-${count}]'`;
  const answers = (await lab.run(command, { timeoutMs: REQUESTS_TIMEOUT_MS })).split("\n");
  const expected = (index: number): string => `200 ${PEER_PAGE_SIZE} ${index === 0 ? 1 : 0}`;
  const wrong = answers.findIndex((answer, index) => answer !== expected(index));
  if (wrong < 0 && answers.length === count) return;
  throw new KaryonError(
    "BENCH_FAILED",
    `of ${count} requests ${answers.length} are answered; answer ${wrong + 1} has status, length, connections: ` +
      `${answers[wrong]}, not ${expected(wrong)}`,
  );
}
