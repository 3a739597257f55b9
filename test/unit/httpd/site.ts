// The site that the tests of the server have it serve, and how they ask: one request on a connection of its own, or a script.
import assert from "node:assert/strict";
import type { Client } from "./fake_client.ts";
import { MODIFIED } from "./fake_files.ts";
import { createServer, START_TIME, type Script, type ServerOptions } from "./fake_posix.ts";
import { parseResponses, type Response } from "./http_response.ts";

export const INDEX = "<!doctype html><title>index</title>\n";
export const LARGE = Buffer.alloc(300_000, "0123456789abcdef");
export const FILES = {
  "/index.html": INDEX,
  "/style.css": "body { color: black }\n",
  "/empty.txt": "",
  "/alphabet.txt": "abcdefghijklmnopqrstuvwxyz",
  "/a b/ü.txt": "name with blanks",
  "/docs/index.html": "docs",
  "/docs/deep/page.html": "page",
  "/large.bin": LARGE,
};
/** The clock at the start, and the last change of every file, as HTTP writes them. */
export const DATE = new Date(START_TIME).toUTCString();
export const CHANGED = new Date(MODIFIED * 1000).toUTCString();

/** Runs `script` against a server of the site. */
export async function run(script: Script, options: ServerOptions = {}): Promise<void> {
  const server = await createServer({ files: FILES, ...options });
  assert.equal(server.run(script), null);
}

/** Sends `request` on a connection of its own; the answers and how the connection stands afterwards. */
export async function ask(
  request: string,
  options: ServerOptions = {},
): Promise<{ answers: Response[]; ending: string }> {
  let answers: Response[] = [];
  let ending = "";
  await run(function* (world) {
    const client = world.connect();
    client.send(request);
    yield;
    answers = parseResponses(client.received, [request.slice(0, request.indexOf(" "))]);
    ending = client.ending;
  }, options);
  return { answers, ending };
}

/** The one answer there must be. */
export function only(answers: Response[]): Response {
  assert.equal(answers.length, 1);
  return answers[0] as Response;
}

/** The status codes that `client` has got. */
export function statuses(client: Client): number[] {
  return parseResponses(client.received).map((answer) => answer.status);
}
