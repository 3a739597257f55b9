// The functions of libos/api, read from its sources: what each does, by its comment, and which system calls it makes, itself or by way of others.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import ts from "typescript";
import { repositoryPath } from "../image/paths.ts";

const API = "libos/api";
/** The system calls themselves, and the list of all the rest. */
const NOT_FUNCTIONS = ["posix.ts", "index.ts"];
const CALLS_OBJECT = "posix";

/** A function that apps can call. */
export interface ApiFunction {
  readonly name: string;
  /** Of the source, such as "libos/api/unistd.ts". */
  readonly file: string;
  /** The first sentence of its comment; "" without one. */
  readonly summary: string;
  /** The system calls that it may make, sorted. */
  readonly calls: readonly string[];
}

/** A header: one source of the API. */
export interface Header {
  readonly file: string;
  readonly functions: readonly ApiFunction[];
}

/** What is read of one function, before it is known what those make that it calls. */
interface Reading {
  readonly name: string;
  readonly file: string;
  readonly summary: string;
  readonly exported: boolean;
  readonly posix: ReadonlySet<string>;
  readonly called: ReadonlySet<string>;
}

/** All headers with functions, by name. */
export async function readHeaders(): Promise<readonly Header[]> {
  const files = (await readdir(repositoryPath(API))).filter((file) => file.endsWith(".ts")).sort();
  const sources = files.filter((file) => !NOT_FUNCTIONS.includes(file));
  const readings = (await Promise.all(sources.map(readSource))).flat();
  const byName = new Map(readings.map((reading) => [reading.name, reading]));
  return sources.flatMap((source) => {
    const file = join(API, source);
    const functions = readings
      .filter((reading) => reading.file === file && reading.exported)
      .map(({ name, summary }) => ({ name, file, summary, calls: [...callsOf(name, byName)].sort() }));
    return functions.length === 0 ? [] : [{ file, functions }];
  });
}

/** The names of the system calls that the API declares, sorted. */
export async function readCalls(): Promise<readonly string[]> {
  const text = await readFile(repositoryPath(API, "posix.ts"), "utf8");
  return [...text.matchAll(/^export declare function (\w+)/gm)].map(([, name = ""]) => name).sort();
}

async function readSource(source: string): Promise<readonly Reading[]> {
  const file = join(API, source);
  const text = await readFile(repositoryPath(file), "utf8");
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return tree.statements.filter(ts.isFunctionDeclaration).flatMap((node) => {
    if (node.name === undefined || node.body === undefined) return [];
    const posix = new Set<string>();
    const called = new Set<string>();
    const visit = (inner: ts.Node): void => {
      if (ts.isCallExpression(inner)) {
        const target = inner.expression;
        if (ts.isIdentifier(target)) called.add(target.text);
        else if (ts.isPropertyAccessExpression(target) && target.expression.getText() === CALLS_OBJECT) {
          posix.add(target.name.text);
        }
      }
      ts.forEachChild(inner, visit);
    };
    visit(node.body);
    const exported = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
    return [{ name: node.name.text, file, summary: summaryOf(node, text), exported, posix, called }];
  });
}

/** The first sentence of a function's comment. */
function summaryOf(node: ts.Node, text: string): string {
  const comment = ts.getLeadingCommentRanges(text, node.pos)?.at(-1);
  if (comment === undefined) return "";
  const plain = text.slice(comment.pos, comment.end).replace(/^\/\*\*|\*\/$/g, "");
  const line = plain
    .replace(/^\s*(?:\*|\/\/) ?/gm, "")
    .replace(/\s+/g, " ")
    .trim();
  return /^.*?[.:](?= [A-Z@`]|$)/.exec(line)?.[0] ?? line;
}

function callsOf(name: string, byName: ReadonlyMap<string, Reading>, seen = new Set<string>()): Set<string> {
  const calls = new Set<string>();
  const reading = byName.get(name);
  if (reading === undefined || seen.has(name)) return calls;
  seen.add(name);
  for (const call of reading.posix) calls.add(call);
  for (const other of reading.called) for (const call of callsOf(other, byName, seen)) calls.add(call);
  return calls;
}
