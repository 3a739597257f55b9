// Small messages: one byte there and back over TCP, over a connection of its own, and over UDP; and a stream of 64-byte messages that an
// app sends one by one. By the instructions that the guest's CPU executes for each, Xen's on its behalf included.
import { staticProgram } from "../../peers/static_program.ts";
import { total } from "../../lab/count/count.ts";
import type { Side } from "../comparison.ts";
import { EXCHANGE_CLIENT, SMALL_MESSAGES } from "../contests.ts";
import { countText, type Definition, type Results } from "../figures.ts";
import { createServer, type Server } from "../servers.ts";
import { inTurns, type Trial } from "../turns.ts";

const TIMEOUT_MS = 400_000;

/** What is exchanged. */
interface Exchange {
  readonly name: string;
  readonly title: string;
  /** The word that the client takes (tools/peers/exchange). */
  readonly word: string;
  /** Two runs of different length: their difference is free of what happens once. */
  readonly counts: readonly [few: number, many: number];
}

const EXCHANGES: readonly Exchange[] = [
  { name: "net-rr", title: "a byte there and back over TCP", word: "tcp", counts: [200, 1200] },
  { name: "net-crr", title: "the same, a connection each", word: "connections", counts: [100, 500] },
  { name: "net-udp-rr", title: "a byte there and back over UDP", word: "udp", counts: [200, 1200] },
  { name: "net-messages", title: "a message of 64 B sent over TCP", word: "messages", counts: [5_000, 50_000] },
];

export const EXCHANGE_FIGURES: readonly Definition[] = EXCHANGES.map(({ name, title }) => ({
  name,
  title: `${title}: instructions, ours of Linux's`,
  part: "net",
  unit: "ratio",
}));

/** What the chart shows: names of figures, and titles. */
export const EXCHANGE_TITLES: readonly Readonly<Record<"name" | "title", string>>[] = EXCHANGES;

/** Measures all of it. */
export function measureExchange(): Promise<Results> {
  return inTurns({
    title: "small messages",
    boot: bootExchange,
    trials: EXCHANGES.map(trial),
    rounds: 2,
    repetitions: 2,
    text: countText,
  });
}

async function bootExchange(side: Side): Promise<Server> {
  const server = await createServer(side, { contest: SMALL_MESSAGES });
  try {
    await server.lab.copyIn(await staticProgram("exchange"), EXCHANGE_CLIENT, 0o755);
    await server.begin();
    return server;
  } catch (error) {
    await server.lab.stop();
    throw error;
  }
}

function trial({ name, title, word, counts: [few, many] }: Exchange): Trial<Server> {
  return {
    title,
    figures: [name],
    measure: async ({ lab, address }) => {
      const exchange = async (count: number): Promise<void> => {
        await lab.run(`${EXCHANGE_CLIENT} ${word} ${address} ${count}`, { timeoutMs: TIMEOUT_MS });
      };
      const cost = async (count: number): Promise<number> => total(await lab.countInstructions(() => exchange(count)));
      await exchange(few);
      const less = await cost(few);
      return { [name]: ((await cost(many)) - less) / (many - few) };
    },
  };
}
