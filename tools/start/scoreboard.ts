// Reads httpd's /server-status (apps/httpd/prefork/server_status.ts), and shows it to people: as a tree, or a line.

/** A process of the family that serves. */
export interface Row {
  readonly pid: number;
  readonly generation: number;
  /** starting, idle, serving, streaming or ending. */
  readonly state: string;
  readonly requests: number;
  readonly connections: number;
  /** Seconds. */
  readonly age: number;
}

/** What the page says. */
export interface Scoreboard {
  readonly uptime: number;
  /** One more with each restart. */
  readonly generation: number;
  /** Of all processes, those that have ended included. */
  readonly requests: number;
  readonly connections: number;
  readonly rows: readonly Row[];
}

/** The page as data. */
export function parseScoreboard(text: string): Scoreboard {
  const figure = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
  const rows = [...text.matchAll(/^ +(\d+) +(\d+) (\w+) +(\d+) +(\d+) +(\d+)s$/gm)];
  return {
    uptime: figure("uptime_seconds"),
    generation: figure("generation"),
    requests: figure("requests"),
    connections: figure("connections"),
    rows: rows.map(([, pid, generation, state = "", requests, connections, age]) => ({
      ...{ pid: Number(pid), generation: Number(generation), state, requests: Number(requests) },
      ...{ connections: Number(connections), age: Number(age) },
    })),
  };
}

const WIDTH = 80;
/** With what stands above and below them, they fill 24 lines. */
const MOST_ROWS = 16;
const BAR = 17;

/** What of the family is shown beside its scoreboard. */
export interface View {
  /** The first domain's name; the others' are <name>-<pid>. */
  readonly name: string;
  readonly url: string;
  /** Requests in the last second. */
  readonly rate: number;
  /** The last line of the first domain's console, or what has just been done. */
  readonly note: string;
  readonly keys: string;
}

/** The family as a tree: 23 lines of 80 columns at most. */
export function treeText(board: Scoreboard, { name, url, rate, note, keys }: View): string[] {
  const rows = [...board.rows].sort((a, b) => a.pid - b.pid);
  const most = Math.max(1, ...rows.map(({ requests }) => requests));
  const shown = rows.slice(0, MOST_ROWS);
  const lines = shown.map((row, i) => rowText(row, name, most, i === rows.length - 1));
  if (rows.length > shown.length) lines.push(`└─ and ${rows.length - shown.length} more`);
  return [
    `${url}   generation ${board.generation}, ${board.requests} requests, ${rate} a second`,
    "",
    `${name.padEnd(19)} process 1: keeps the workers`,
    ...lines,
    "",
    note,
    keys,
  ].map((line) => line.slice(0, WIDTH));
}

function rowText({ pid, generation, state, requests }: Row, name: string, most: number, last: boolean): string {
  const bar = "█".repeat(Math.round((requests / most) * BAR));
  const text = `${last ? "└─" : "├─"} ${`${name}-${pid}`.padEnd(16)} generation ${generation}  ${state.padEnd(9)}`;
  return `${text} ${String(requests).padStart(7)} ${bar}`;
}

/** The same in a line, for a log. */
export function lineText({ generation, requests, rows }: Scoreboard): string {
  const each = rows.map((row) => `${row.pid} ${row.state} ${row.requests}`).join(", ");
  return `generation ${generation}, ${requests} requests; process, state, requests: ${each}`;
}
