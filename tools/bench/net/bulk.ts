// Bulk TCP in both directions, by the instructions that the guest's CPU executes for a megabyte, Xen's on its
// behalf included. The other side is curl in dom0, and what it got or gave is compared with what the guest says.
import { difference, each, total, type Instructions } from "../../lab/count/count.ts";
import type { Lab } from "../../lab/lab.ts";
import { KaryonError } from "../../support/errors.ts";
import { BULK_TCP } from "../contests.ts";
import { countText, type Definition, type Results } from "../figures.ts";
import { bootServer, type Server } from "../servers.ts";
import { inTurns, type Trial } from "../turns.ts";

const MEGABYTE = 1_000_000;
/** Of two transfers the difference is free of what happens once. */
const MEGABYTES = [4, 20] as const;
const TIMEOUT_MS = 400_000;

/** How bytes go, and the command in dom0 that lets them go that way. */
interface Direction {
  readonly name: string;
  readonly title: string;
  /** What is asked of ours beside Linux's. */
  readonly target?: number;
  /** Prints how many bytes have arrived. */
  readonly command: (url: string, bytes: number) => string;
}

const DIRECTIONS: readonly Direction[] = [
  {
    name: "net-out",
    title: "bulk TCP out of the guest",
    target: 1 / 2,
    command: (url, bytes) => `curl -s -f -o /dev/null -w '%{size_download}' ${url}/${bytes}`,
  },
  {
    name: "net-in",
    title: "bulk TCP into the guest",
    command: (url, bytes) => {
      const file = `/tmp/bulk-${bytes}`;
      return `[ -e ${file} ] || head -c ${bytes} /dev/zero > ${file}; curl -s -f -H 'Expect:' -T ${file} ${url}/`;
    },
  },
];

/** Iterations of repeated string instructions are counted apart: both copy long runs by them. */
function repeatedName(name: string): string {
  return `${name}-repeated`;
}

export const BULK_FIGURES: readonly Definition[] = DIRECTIONS.flatMap(({ name, title, target }) => {
  const part = { part: "net", unit: "ratio" } as const;
  return [
    {
      name,
      title: `${title}: instructions a megabyte, ours of Linux's`,
      ...part,
      ...(target === undefined ? {} : { target }),
    },
    {
      name: repeatedName(name),
      title: `${title}: besides, iterations of repeated string instructions`,
      aside: true,
      ...part,
    },
  ];
});

/** Measures both directions. */
export function measureBulk(): Promise<Results> {
  return inTurns({
    title: "bulk TCP",
    boot: (side) => bootServer(side, { contest: BULK_TCP }),
    trials: DIRECTIONS.map(trial),
    rounds: 2,
    repetitions: 2,
    text: countText,
  });
}

function trial(direction: Direction): Trial<Server> {
  const { name, title } = direction;
  return {
    title,
    figures: [name, repeatedName(name)],
    measure: async (server) => {
      const each = await perMegabyte(server, direction);
      return { [name]: total(each), [repeatedName(name)]: each.repeated };
    },
  };
}

/** What the guest's CPU executes for a megabyte. */
async function perMegabyte({ lab, address }: Server, direction: Direction): Promise<Instructions> {
  const count = (megabytes: number): Promise<Instructions> =>
    lab.countInstructions(() => transfer(lab, address, direction, megabytes * MEGABYTE));
  const [few, many] = MEGABYTES;
  await transfer(lab, address, direction, MEGABYTE);
  return each(difference(await count(few), await count(many)), many - few);
}

async function transfer(lab: Lab, address: string, { title, command }: Direction, bytes: number): Promise<void> {
  const said = await lab.run(command(`http://${address}`, bytes), { timeoutMs: TIMEOUT_MS });
  if (Number(said) === bytes) return;
  throw new KaryonError("BENCH_FAILED", `${title}: ${said} bytes arrived, not ${bytes}`);
}
