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

interface GuestFigures {
  readonly boot: Instructions;
  readonly request: number;
}

/** Measures boot and request. */
export async function measureInstructions(): Promise<ReadonlyMap<string, Measurement>> {
  const image = await pageImage(`${ADDRESS}/24`);
  const ours = await measureGuest("httpd on Karyon", image.cfg);
  const linux = await measureGuest("nginx on Linux", await linuxPeer({ address: `${ADDRESS}/24` }));
  return new Map([
    ["boot", compared(total(ours.boot), total(linux.boot), { ours: ours.boot, linux: linux.boot })],
    ["request", compared(ours.request, linux.request, { ours: ours.request, linux: linux.request })],
  ]);
}

function compared(ours: number, linux: number, raw: Measurement["raw"] & object): Measurement {
  return { value: ours / linux, made: `${countText(ours)} of ${countText(linux)}`, raw };
}

// A lab of its own for each guest, so that both begin in the same state and neither sees what the other left behind.
async function measureGuest(title: string, cfg: string): Promise<GuestFigures> {
  logger.start(`${title}: the lab that counts instructions`);
  await using lab = await Lab.start({ accelerator: "icount" });
  logger.start(`${title}: boot`);
  // A paused domain has executed nothing yet: what is counted is the guest's own, from its first instruction on.
  const { name } = await lab.create(cfg, { extra: GUEST_SETTINGS, args: ["-p"], timeoutMs: CREATE_TIMEOUT_MS });
  const boot = await lab.countInstructions(() => firstAnswer(lab, name));
  logger.info(`${title}: ${countText(total(boot))} instructions to the first answer`);

  logger.start(`${title}: ${FEW} and ${MANY} requests`);
  const few = await lab.countInstructions(() => requests(lab, FEW));
  const many = await lab.countInstructions(() => requests(lab, MANY));
  const request = (total(many) - total(few)) / (MANY - FEW);
  logger.info(`${title}: ${countText(request)} instructions a request`);
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
