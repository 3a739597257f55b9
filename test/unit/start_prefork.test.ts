// What npm start -- prefork shows: httpd's scoreboard read, as a tree that fits a terminal, as a line, and written in place.
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { Live } from "../../tools/start/live.ts";
import { lineText, parseScoreboard, treeText, type Row, type Scoreboard } from "../../tools/start/scoreboard.ts";

const PAGE = `answered by process 3
uptime_seconds 75
generation 2
requests 112
connections 40
processes 2

   PID  GEN STATE      REQUESTS CONNECTIONS     AGE
     3    2 serving         100          30     60s
    12    2 idle              5           5      1s
`;
const VIEW = { name: "prefork", url: "http://127.0.0.1:45759/", rate: 7, note: "a note", keys: "Ctrl-C" };

test("the page is read", () => {
  assert.deepEqual(parseScoreboard(PAGE), {
    ...{ uptime: 75, generation: 2, requests: 112, connections: 40 },
    rows: [
      { pid: 3, generation: 2, state: "serving", requests: 100, connections: 30, age: 60 },
      { pid: 12, generation: 2, state: "idle", requests: 5, connections: 5, age: 1 },
    ],
  });
});

test("the tree", () => {
  assert.deepEqual(treeText(parseScoreboard(PAGE), VIEW), [
    "http://127.0.0.1:45759/   generation 2, 112 requests, 7 a second",
    "",
    "prefork             process 1: keeps the workers",
    "├─ prefork-3        generation 2  serving       100 █████████████████",
    "└─ prefork-12       generation 2  idle            5 █",
    "",
    "a note",
    "Ctrl-C",
  ]);
  assert.equal(
    lineText(parseScoreboard(PAGE)),
    "generation 2, 112 requests; process, state, requests: 3 serving 100, 12 idle 5",
  );
});

test("it fits into 24 lines of 80 columns, whatever there is to show", () => {
  const row = (pid: number): Row => ({ pid, generation: 10_000, state: "starting", requests: 4e9, connections: 4e9, age: 1 }); // prettier-ignore
  const rows = Array.from({ length: 64 }, (_, i) => row(i + 100_000));
  const board: Scoreboard = { uptime: 1, generation: 10_000, requests: 1e15, connections: 1, rows };
  const lines = treeText(board, { ...VIEW, note: "x".repeat(200), name: "a-name-of-thirty-two-characters-" });
  assert.ok(lines.length <= 23, `${lines.length} lines`);
  assert.ok(lines.every((line) => line.length <= 80));
  assert.ok(lines.some((line) => line.includes("and 48 more")));
});

test("a terminal is written in place, anything else gets a line for each change", () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true as const });
  const live = new Live(terminal);
  live.show(["a", "b"], "line");
  live.show(["c"], "line");
  const written = String(terminal.read());
  assert.equal(written.replaceAll("\u001b", "ESC"), "ESC[0Ja\nb\nESC[2AESC[0Jc\n");
  const file = new PassThrough();
  const log = new Live(file);
  for (const line of ["one", "one", "two"]) log.show(["a", "b"], line);
  assert.equal(String(file.read()), "one\ntwo\n");
});
