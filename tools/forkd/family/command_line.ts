// A guest's kernel command line as the guest itself reads it (kernel/command_line.ts): words between blanks, quotes that
// keep blanks together, a backslash that takes the next character as it is; options end at the word "--".

/** The value of the first option `key=…`; undefined when the command line has none. */
export function commandLineOption(commandLine: string, key: string): string | undefined {
  for (const word of words(commandLine)) {
    if (word === "--") return undefined;
    if (word.startsWith(`${key}=`)) return word.slice(key.length + 1);
  }
  return undefined;
}

function words(commandLine: string): string[] {
  const parts = commandLine.match(/(?:[^ "'\\]|\\.|\\$|"(?:[^"\\]|\\.)*(?:"|$)|'[^']*(?:'|$))+/gs) ?? [];
  return parts.map((part) =>
    part.replace(/"((?:[^"\\]|\\.)*)"?|'([^']*)'?|\\(.)/gs, (_all, double?: string, single?: string, one?: string) =>
      double !== undefined ? double.replace(/\\(.)/gs, "$1") : (single ?? one ?? ""),
    ),
  );
}
