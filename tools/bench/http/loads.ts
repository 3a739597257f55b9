// The HTTP loads under which servers are compared, each with the most that ours may take of the peer's instructions.
import type { Clients } from "./client.ts";

/** Files that both servers have, by size: path below the root → bytes. */
export const FILES = { "index.html": 612, "10k.bin": 10_000, "1m.bin": 1_000_000 } as const;

/** A load: the same requests over and over. */
export interface HttpLoad extends Clients {
  /** The figure's. */
  readonly name: string;
  readonly title: string;
  readonly file: keyof typeof FILES;
  /** Two runs of different length: their difference is free of what happens once. */
  readonly requests: readonly [few: number, many: number];
  readonly target?: number;
}

function load(
  file: keyof typeof FILES,
  title: string,
  keepAlive: boolean,
  clients: number,
  requests: HttpLoad["requests"],
  target?: number,
): HttpLoad {
  const name = `http-${FILES[file]}-${keepAlive ? "keep" : "new"}-${clients}`;
  const who = clients === 1 ? "1 client" : `${clients} clients`;
  const how = keepAlive ? "keep-alive" : "a connection each";
  return {
    ...{ name, title: `${title}, ${how}, ${who}`, file, clients, keepAlive, requests },
    ...(target === undefined ? {} : { target }),
  };
}

export const HTTP_LOADS: readonly HttpLoad[] = [
  load("index.html", "612 B", true, 1, [100, 500], 1 / 3),
  load("index.html", "612 B", true, 8, [200, 1000], 1 / 6),
  load("index.html", "612 B", true, 32, [400, 1200], 1 / 6),
  load("index.html", "612 B", true, 256, [1000, 2000]),
  load("index.html", "612 B", false, 1, [50, 250], 1 / 5),
  load("index.html", "612 B", false, 8, [100, 300], 1 / 5),
  load("10k.bin", "10 kB", true, 1, [100, 300]),
  load("10k.bin", "10 kB", true, 8, [100, 300]),
  load("1m.bin", "1 MB", true, 1, [4, 12]),
];
