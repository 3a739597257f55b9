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
  readonly source: { readonly normalizedPath: string; readonly text: string };
}

const ERROR = 3;

/**
 * The errors among `diagnostics`, one paragraph each.
 *
 * @param locate the file behind one of the compiler's paths
 */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  locate: (virtual: string) => string | undefined,
): string {
  return diagnostics
    .filter(({ category }) => category === ERROR)
    .map((diagnostic) => formatDiagnostic(diagnostic, locate))
    .join("\n\n");
}

function formatDiagnostic(diagnostic: Diagnostic, locate: (virtual: string) => string | undefined): string {
  const { code, message, range, relatedRange } = diagnostic;
  const headline = `error TS${code}: ${message}`;
  if (range === null) return headline;
  const lines = [`${position(range, locate)} - ${headline}`, ...excerpt(range)];
  if (relatedRange !== null) lines.push(`  see also ${position(relatedRange, locate)}`);
  return lines.join("\n");
}

function position(range: SourceRange, locate: (virtual: string) => string | undefined): string {
  const before = range.source.text.slice(0, range.start);
  const line = before.split("\n").length;
  const column = range.start - (before.lastIndexOf("\n") + 1) + 1;
  const file = locate(range.source.normalizedPath);
  return `${file === undefined ? range.source.normalizedPath : displayPath(file)}:${line}:${column}`;
}

function excerpt(range: SourceRange): string[] {
  const { text } = range.source;
  const begin = text.lastIndexOf("\n", range.start - 1) + 1;
  const newline = text.indexOf("\n", begin);
  const line = text.slice(begin, newline < 0 ? undefined : newline);
  const length = Math.max(1, Math.min(range.end - range.start, line.length - (range.start - begin)));
  const indent = line.slice(0, range.start - begin).replace(/[^\t]/g, " ");
  return [`  ${line}`, `  ${indent}${"~".repeat(length)}`];
}
