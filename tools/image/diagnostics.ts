// The compiler's complaints as a programmer wants them: file:line:column relative to the working directory, the line
// itself, and a mark below it.
import { displayPath } from "./paths.ts";

/** A message of asc. */
export interface Diagnostic {
  readonly code: number;
  /** 0 pedantic, 1 info, 2 warning, 3 error */
  readonly category: number;
  readonly message: string;
  readonly range: SourceRange | null;
  readonly relatedRange: SourceRange | null;
}

interface SourceRange {
  readonly start: number;
  readonly end: number;
  readonly source: { readonly normalizedPath: string };
}

/** Knows the files behind the compiler's virtual paths. */
export interface SourceLocator {
  /** The file; undefined if there is none. */
  locate(virtual: string): string | undefined;
  /** The text; null if there is none. */
  read(virtual: string): Promise<string | null>;
}

const ERROR = 3;

/** The errors among `diagnostics`, one paragraph each. */
export async function formatDiagnostics(diagnostics: readonly Diagnostic[], sources: SourceLocator): Promise<string> {
  const errors = diagnostics.filter(({ category }) => category === ERROR);
  return (await Promise.all(errors.map((diagnostic) => formatDiagnostic(diagnostic, sources)))).join("\n\n");
}

async function formatDiagnostic(diagnostic: Diagnostic, sources: SourceLocator): Promise<string> {
  const { code, message, range, relatedRange } = diagnostic;
  const headline = `error TS${code}: ${message}`;
  if (range === null) return headline;
  const place = await findPlace(range, sources);
  const lines = [`${place.position} - ${headline}`, ...place.excerpt];
  if (relatedRange !== null) lines.push(`  see also ${(await findPlace(relatedRange, sources)).position}`);
  return lines.join("\n");
}

async function findPlace(
  { start, end, source }: SourceRange,
  sources: SourceLocator,
): Promise<{ position: string; excerpt: string[] }> {
  const { normalizedPath } = source;
  const file = sources.locate(normalizedPath);
  const shown = file === undefined ? normalizedPath : displayPath(file);
  const text = await sources.read(normalizedPath);
  if (text === null) return { position: shown, excerpt: [] };
  const begin = text.lastIndexOf("\n", start - 1) + 1;
  const newline = text.indexOf("\n", begin);
  const line = text.slice(begin, newline < 0 ? undefined : newline);
  const number = text.slice(0, begin).split("\n").length;
  const column = start - begin;
  const length = Math.max(1, Math.min(end - start, line.length - column));
  const indent = line.slice(0, column).replace(/[^\t]/g, " ");
  return {
    position: `${shown}:${number}:${column + 1}`,
    excerpt: [`  ${line}`, `  ${indent}${"~".repeat(length)}`],
  };
}
