// `npm run bench -- net`: the network stack beside Linux's, without a server's work: bulk TCP, bulk TCP with loss, small messages.
import type { Definition, Results } from "../figures.ts";
import { BULK_FIGURES, measureBulk } from "./bulk.ts";
import { EXCHANGE_FIGURES, measureExchange } from "./exchange.ts";
import { LOSS_FIGURES, measureLoss } from "./loss.ts";

export const NET_FIGURES: readonly Definition[] = [...BULK_FIGURES, ...LOSS_FIGURES, ...EXCHANGE_FIGURES];

/** Measures all of it, one after the other. */
export async function measureNet(): Promise<Results> {
  const results = [await measureBulk(), await measureLoss(), await measureExchange()];
  return new Map(results.flatMap((each) => [...each]));
}
