// `npm run bench -- http`: Karyon's httpd and nginx on Linux under the same loads, in turns, by the instructions that their CPU
// executes for a request, Xen's on their behalf included.
import { total } from "../../lab/count/count.ts";
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

/** Measures all loads. */
export function measureHttp(): Promise<Results> {
  return inTurns({
    title: "HTTP",
    boot: (side) => bootServer(side),
    trials: HTTP_LOADS.map(trial),
    rounds: 2,
    repetitions: 2,
    text: countText,
  });
}

function trial(load: HttpLoad): Trial<Server> {
  const { name, title } = load;
  return { title, figures: [name], measure: async (server) => ({ [name]: await instructionsOf(server, load) }) };
}

/** Instructions a request. */
async function instructionsOf({ lab, address }: Server, load: HttpLoad): Promise<number> {
  const [few, many] = load.requests;
  const url = `http://${address}/${load.file}`;
  const cost = async (requests: number): Promise<number> =>
    total(await lab.countInstructions(() => request(lab, url, requests, load, FILES[load.file])));
  const less = await cost(few);
  return ((await cost(many)) - less) / (many - few);
}
