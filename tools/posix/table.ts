// docs/posix.md: each function of the API, the errors that tests have seen of it, the tests, and the apps that use it on real Xen.
import { basename, posix } from "node:path";
import type { Evidence, Seen } from "./evidence.ts";
import { HERMITUX_CALLS, LEFT_OUT, UNDER_ANOTHER_NAME } from "./hermitux.ts";
import type { ApiFunction, Header } from "./surface.ts";

const DOCS = "docs";
const TESTS_MAX = 3;
const NOTHING = "–";

/** What the page is made of. */
export interface Facts {
  readonly headers: readonly Header[];
  readonly evidence: Evidence;
  /** Apps by the function that they use. */
  readonly uses: ReadonlyMap<string, readonly string[]>;
}

/** Calls whose only way to return is an error: else there is another program, or EINTR is what they are for. */
const END_WITH_ERRORS: readonly string[] = ["execveat", "pause", "sigsuspend"];

/** Whether tests have seen a system call do what it is for. */
function isShown(call: string, evidence: Evidence): boolean {
  const state = evidence.get(call)?.state;
  return state === "fails" ? END_WITH_ERRORS.includes(call) : state !== undefined;
}

/** The page, not formatted yet. */
export function documentText({ headers, evidence, uses }: Facts): string {
  const functions = headers.flatMap((header) => header.functions);
  const calling = functions.filter(({ calls }) => calls.length > 0);
  const shown = calling.filter(({ calls }) => calls.every((call) => isShown(call, evidence)));
  const onXen = functions.filter(({ name }) => uses.has(name));
  return [
    "# What of POSIX there is, function by function",
    "",
    "Made by `npm run posix`, which runs the tests of the kernel on the fake Xen with a log of all system calls: which functions there are, from the",
    "sources of `libos/api`; what their calls have ended with, from the log; who uses them on real Xen, from the apps that the lab's tests run. A test",
    "holds this page to the sources.",
    "",
    `${functions.length} functions, of which ${calling.length} make ${evidence.size} system calls; tests show the calls of ${shown.length === calling.length ? "all" : shown.length} of them` +
      `${shown.length === calling.length ? "" : " (the others say so)"}. ${onXen.length} are used by apps that tests boot on real Xen.`,
    "Errors are those seen in tests, the union of those of the function's calls; a function may tell of more.",
    ...hermituxSection(functions),
    ...headers.flatMap((header) => headerSection(header, evidence, uses)),
    "",
  ].join("\n");
}

function headerSection(
  { file, functions }: Header,
  evidence: Evidence,
  uses: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  return [
    "",
    `## ${link(basename(file, ".ts"), file)}`,
    "",
    "| function | what | system calls | errors seen | tests | on real Xen |",
    "| --- | --- | --- | --- | --- | --- |",
    ...functions.map((each) => row(each, evidence, uses.get(each.name) ?? [])),
  ];
}

function row(each: ApiFunction, evidence: Evidence, apps: readonly string[]): string {
  const seen = each.calls.flatMap((call) => evidence.get(call) ?? []);
  const calls = each.calls.map((call) => `\`${call}\`${isShown(call, evidence) ? "" : " (**not shown**)"}`);
  const cells = [`\`${each.name}\``, escaped(each.summary), calls.join(", "), union(seen, "errors").join(" ")];
  const tests = shortest(union(seen, "tests"));
  return `| ${[...cells, limited(tests, testLink), limited(apps, appLink)].map((cell) => (cell === "" ? NOTHING : cell)).join(" | ")} |`;
}

function union(seen: readonly Seen[], field: "errors" | "tests"): readonly string[] {
  return [...new Set(seen.flatMap((each) => each[field]))].sort();
}

/** Tests about one thing have short names; those of everything come last. */
function shortest(tests: readonly string[]): readonly string[] {
  return [...tests].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

function limited(all: readonly string[], show: (one: string) => string): string {
  const more = all.length - TESTS_MAX;
  return [...all.slice(0, TESTS_MAX).map(show), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

function hermituxSection(functions: readonly ApiFunction[]): readonly string[] {
  const names = new Set(functions.map(({ name }) => name));
  const stands = (call: string): readonly string[] =>
    (names.has(call) ? [call] : (UNDER_ANOTHER_NAME[call] ?? [])).filter((name) => names.has(name));
  const there = HERMITUX_CALLS.filter((call) => stands(call).length > 0);
  const rest = HERMITUX_CALLS.filter((call) => stands(call).length === 0);
  const renamed = there.filter((call) => !names.has(call));
  return [
    "",
    "## Measured by HermiTux",
    "",
    `HermiTux, which runs Linux programs as they are, has ${HERMITUX_CALLS.length} of Linux's system calls. Of these ${there.length} are here by function` +
      ` (${renamed
        .map(
          (call) =>
            `\`${call}\` is ${stands(call)
              .map((name) => `\`${name}\``)
              .join(" and ")}`,
        )
        .join("; ")}).`,
    "",
    "| not here | why |",
    "| --- | --- |",
    ...rest.map((call) => `| \`${call}\` | ${LEFT_OUT[call] ?? "not done"} |`),
  ];
}

function testLink(file: string): string {
  return link(file.replace(/^test\/|\.test\.ts$/g, ""), file);
}

function appLink(folder: string): string {
  return link(basename(folder), folder);
}

function link(text: string, file: string): string {
  return `[${text}](${posix.relative(DOCS, file)})`;
}

function escaped(text: string): string {
  return text.replace(/[|*<]/g, "\\$&");
}
