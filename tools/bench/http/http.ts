// `npm run bench -- http` and `-- apache`: Karyon's httpd beside nginx, and beside Apache, on Linux under the same loads, in turns, by
// the instructions that their CPU executes for a request, Xen's on their behalf included.
import { total } from "../../lab/count/count.ts";
import { APACHE_WEB, WEB, type Contest } from "../contests.ts";
import { countText, type Definition, type Results } from "../figures.ts";
import { bootServer, type Server } from "../servers.ts";
import { inTurns, type Trial } from "../turns.ts";
import { request } from "./client.ts";
import { FILES, HTTP_LOADS, type HttpLoad } from "./loads.ts";

export const HTTP_FIGURES: readonly Definition[] = HTTP_LOADS.map(({ name, title, target }) => ({
  name,
  title: `HTTP, ${title}: instructions, ours of Linux's`,
  part: "http",
  unit: "ratio",
  ...(target === undefined ? {} : { target }),
}));

/** Loads for Apache: a page over and over, with connections that are kept, and without. */
const APACHE_LOADS = HTTP_LOADS.filter(({ file, clients }) => file === "index.html" && clients <= 32);

function apacheName({ name }: HttpLoad): string {
  return `apache-${name}`;
}

export const APACHE_FIGURES: readonly Definition[] = APACHE_LOADS.map((load) => ({
  name: apacheName(load),
  title: `HTTP, ${load.title}: instructions, ours of Apache's`,
  part: "apache",
  unit: "ratio",
}));

/** Measures all loads beside nginx. */
export function measureHttp(): Promise<Results> {
  return measure(
    WEB,
    HTTP_LOADS.map((load) => trial(load, load.name)),
  );
}

/** Measures some loads beside Apache. */
export function measureApache(): Promise<Results> {
  return measure(
    APACHE_WEB,
    APACHE_LOADS.map((load) => trial(load, apacheName(load))),
  );
}

function measure(contest: Contest, trials: readonly Trial<Server>[]): Promise<Results> {
  return inTurns({
    title: `HTTP beside ${contest.titles.linux}`,
    boot: (side) => bootServer(side, { contest }),
    trials,
    rounds: 2,
    repetitions: 2,
    text: countText,
  });
}

function trial(load: HttpLoad, name: string): Trial<Server> {
  const { title } = load;
  return { title, figures: [name], measure: async (server) => ({ [name]: await instructionsOf(server, load) }) };
}

/** Instructions of the guests' CPU a request. */
export async function instructionsOf(
  { lab, address }: Pick<Server, "lab" | "address">,
  load: HttpLoad,
): Promise<number> {
  const [few, many] = load.requests;
  const url = `http://${address}/${load.file}`;
  const cost = async (requests: number): Promise<number> =>
    total(await lab.countInstructions(() => request(lab, url, requests, load, FILES[load.file])));
  const less = await cost(few);
  return ((await cost(many)) - less) / (many - few);
}
