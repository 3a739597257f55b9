// Progress of something long, for a person: one line that is rewritten on a terminal, a line every few seconds elsewhere.
import { clearLine, cursorTo } from "node:readline";

const LINE_INTERVAL_MS = 5000;

/** One thing under way. */
export interface Progress {
  /** Shows how far it is, for example "12 of 40 MB". */
  update(detail: string): void;
  /** Ends the line, showing the time it took. */
  done(): void;
}

/** Starts showing `title`; to be ended with done(), or left as it stands when an error follows. */
export function startProgress(title: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  const start = Date.now();
  return stream.isTTY ? terminalProgress(title, stream, start) : plainProgress(title, stream, start);
}

function terminalProgress(title: string, stream: NodeJS.WriteStream, start: number): Progress {
  const show = (text: string): void => {
    clearLine(stream, 0);
    cursorTo(stream, 0);
    stream.write(text.slice(0, Math.max(20, stream.columns - 1)));
  };
  show(`  ${title} …`);
  return {
    update: (detail) => show(`  ${title}: ${detail}`),
    done: () => {
      show(`  ${title}: ${elapsed(start)}`);
      stream.write("\n");
    },
  };
}

function plainProgress(title: string, stream: NodeJS.WriteStream, start: number): Progress {
  let last = start;
  return {
    update: (detail) => {
      const now = Date.now();
      if (now - last < LINE_INTERVAL_MS) return;
      last = now;
      stream.write(`  ${title}: ${detail}\n`);
    },
    done: () => void stream.write(`  ${title}: ${elapsed(start)}\n`),
  };
}

function elapsed(start: number): string {
  return `${((Date.now() - start) / 1000).toFixed(1)} s`;
}
