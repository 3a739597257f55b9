// What tests have seen of the system calls: made by running them with a log of all calls (tools/fake-xen/call_log.ts), kept in evidence.tsv:
// call, how it ends, the errors that it has ended with, the test files that made it; tabs between, blanks within.
import { readFile, readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { repositoryPath } from "../image/paths.ts";
import { KaryonError } from "../support/errors.ts";

/** The file. */
export const EVIDENCE = fileURLToPath(new URL("evidence.tsv", import.meta.url));
/** The exports of the kernel that are system calls. */
const PREFIX = "posix_";

/** How a call ends: it has succeeded, or only failed, or has never returned. */
const STATES = ["succeeds", "fails", "does not return"] as const;
export type State = (typeof STATES)[number];

/** What was seen of one call. */
export interface Seen {
  readonly state: State;
  /** Names such as EBADF, sorted. */
  readonly errors: readonly string[];
  /** Test files, from the repository's root, sorted. */
  readonly tests: readonly string[];
}

/** By the call's name. */
export type Evidence = ReadonlyMap<string, Seen>;

const LOG = z.object({
  program: z.string(),
  calls: z.record(z.string(), z.object({ succeeded: z.boolean(), errors: z.array(z.number()) })),
});

/** The names of the kernel's error numbers, the first where two have the same. */
async function errorNames(): Promise<ReadonlyMap<number, string>> {
  const text = await readFile(repositoryPath("kernel", "errno.ts"), "utf8");
  const named = [...text.matchAll(/^export const (E\w+): i32 = (\d+);/gm)];
  return new Map(named.reverse().map(([, name = "", number]) => [Number(number), name]));
}

/** Reads what the processes of a run have left in `folder`. */
export async function collectEvidence(folder: string): Promise<Evidence> {
  const names = await errorNames();
  const evidence = new Map<string, { succeeded: boolean; errors: Set<string>; tests: Set<string> }>();
  for (const file of await readdir(folder)) {
    const { program, calls } = LOG.parse(JSON.parse(await readFile(join(folder, file), "utf8")));
    const test = relative(repositoryPath(), program).split(sep).join("/");
    for (const [name, { succeeded, errors }] of Object.entries(calls)) {
      if (!name.startsWith(PREFIX)) continue;
      const call = name.slice(PREFIX.length);
      const seen = evidence.get(call) ?? { succeeded: false, errors: new Set(), tests: new Set() };
      seen.succeeded ||= succeeded;
      for (const error of errors) seen.errors.add(names.get(error) ?? `error ${error}`);
      seen.tests.add(test);
      evidence.set(call, seen);
    }
  }
  const sorted = [...evidence].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(
    sorted.map(([call, { succeeded, errors, tests }]) => [
      call,
      { state: stateOf(succeeded, errors.size), errors: [...errors].sort(), tests: [...tests].sort() },
    ]),
  );
}

function stateOf(succeeded: boolean, errors: number): State {
  if (succeeded) return "succeeds";
  return errors > 0 ? "fails" : "does not return";
}

/** As evidence.tsv has it. */
export function evidenceText(evidence: Evidence): string {
  const rows = [...evidence].map(([call, { state, errors, tests }]) =>
    [call, state, errors.join(" "), tests.join(" ")].join("\t"),
  );
  return [...rows, ""].join("\n");
}

/** What evidence.tsv says; @throws KaryonError POSIX_EVIDENCE */
export async function readEvidence(): Promise<Evidence> {
  return parseEvidence(await readFile(EVIDENCE, "utf8"));
}

/** @throws KaryonError POSIX_EVIDENCE for a line that is none */
export function parseEvidence(text: string): Evidence {
  const words = (list: string): readonly string[] => list.split(" ").filter((word) => word !== "");
  const rows = text.split("\n").filter((line) => line !== "");
  return new Map(
    rows.map((line) => {
      const [call, word, errors, tests] = line.split("\t");
      const state = STATES.find((each) => each === word);
      if (call === undefined || state === undefined || errors === undefined || tests === undefined) {
        throw new KaryonError("POSIX_EVIDENCE", `no row of evidence: "${line}"`, "npm run posix makes the file anew");
      }
      return [call, { state, errors: words(errors), tests: words(tests) }];
    }),
  );
}
