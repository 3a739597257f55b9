// `npm run bench -- boot`: from a domain's first instruction to its first HTTP answer, by the instructions that its CPU executes.
// Absolute times under emulation mean nothing; these counts do not depend on the machine or its load.
import { total, type Instructions } from "../lab/count/count.ts";
import { logger } from "../support/log.ts";
import { compared, SIDES, type Side } from "./comparison.ts";
import { countText, type Results } from "./figures.ts";
import { bootServer, SERVER_TITLES } from "./servers.ts";

const ROUNDS = 3;

/** Measures the boot of both servers, in turns. */
export async function measureBoot(): Promise<Results> {
  const boots: Record<Side, Instructions[]> = { karyon: [], linux: [] };
  for (let round = 1; round <= ROUNDS; round++) {
    for (const side of SIDES) {
      logger.start(`${SERVER_TITLES[side]}: boot ${round} of ${ROUNDS}`);
      await using server = await bootServer(side);
      boots[side].push(server.boot);
      logger.info(`${SERVER_TITLES[side]}: ${countText(total(server.boot))} instructions to the first answer`);
    }
  }
  const totals = { karyon: boots.karyon.map(total), linux: boots.linux.map(total) };
  return new Map([["boot", compared(totals, { boots })]]);
}
