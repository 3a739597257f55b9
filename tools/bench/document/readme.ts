// The table of figures in README.md, between two comments: a choice of what was measured, in few rows.
import { KaryonError } from "../../support/errors.ts";
import { valueText } from "../figures.ts";
import { DEFINITIONS } from "../parts.ts";
import type { Collection } from "./collect.ts";

const BEGIN = "<!-- figures, by npm run bench -- document -->";
const END = "<!-- end of figures -->";

/** A row: what, the figures it shows, and the part that measures them. */
interface Row {
  readonly title: string;
  readonly figures: readonly string[];
}

const ROWS: readonly Row[] = [
  { title: "image, stripped, back-trace names included: hello · httpd", figures: ["size-hello", "size-httpd"] },
  { title: "least `memory=` that runs: hello · httpd", figures: ["memory-hello", "memory-httpd"] },
  { title: "– a web server, Linux : Karyon", figures: ["memory-linux"] },
  { title: "from creation to the first HTTP answer, Linux : Karyon; ten at once", figures: ["boot", "boot-many"] },
  { title: "idle web servers that fit into a host, Karyon : Linux", figures: ["density"] },
  {
    title: "system calls, Linux : Karyon: null · read · write a byte · pipe ping-pong",
    figures: ["call-null", "call-read", "call-write", "call-ping-pong"],
  },
  {
    title: "HTTP, 612 bytes, keep-alive, 1 · 8 · 32 clients, Linux : Karyon",
    figures: ["http-612-keep-1", "http-612-keep-8", "http-612-keep-32"],
  },
  { title: "– a connection for each request, 1 · 8 clients", figures: ["http-612-new-1", "http-612-new-8"] },
  { title: "– 10 kB, 1 · 8 clients; 1 MB", figures: ["http-10000-keep-1", "http-10000-keep-8", "http-1000000-keep-1"] },
  { title: "bulk TCP, a megabyte out · in, Linux : Karyon", figures: ["net-out", "net-in"] },
  { title: "– with 1 % loss and 20 ms, out · in: goodput, Karyon : Linux", figures: ["net-loss-out", "net-loss-in"] },
  {
    title: "– a byte there and back over TCP · a connection each · over UDP, Linux : Karyon",
    figures: ["net-rr", "net-crr", "net-udp-rr"],
  },
  {
    title: "`xl create` : `fork()` to the child's first instruction, 8 · 32 · 128 MiB",
    figures: ["fork-pool-8", "fork-pool-32", "fork-pool-128"],
  },
];

/** README.md with its table made anew. @throws KaryonError BENCH_TEMPLATE when the comments are not there */
export function fillReadme(readme: string, collection: Collection): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new KaryonError("BENCH_TEMPLATE", "README.md has no place for the figures", `put ${BEGIN} … ${END} into it`);
  }
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${table(collection)}\n\n${readme.slice(end)}`;
}

function table({ figures }: Collection): string {
  const cell = (name: string): string => {
    const definition = DEFINITIONS.find((each) => each.name === name);
    if (definition === undefined) throw new KaryonError("BENCH_TEMPLATE", `README.md asks for ${name}: no such figure`);
    const value = figures.find((figure) => figure.name === name)?.value;
    if (value === undefined) return "not measured";
    return definition.unit === "ratio" ? timesText(1 / value) : valueText(value, definition.unit);
  };
  const rows = ROWS.map(({ title, figures: names }) => {
    const part = DEFINITIONS.find(({ name }) => name === names[0])?.part ?? "";
    return [title, names.map(cell).join(" · "), `\`${part}\``];
  });
  const head = ["figure", "one run", "`npm run bench --`"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function timesText(times: number): string {
  return `${times >= 100 ? Math.round(times).toLocaleString("en-US").replaceAll(",", " ") : times.toPrecision(2)} : 1`;
}
