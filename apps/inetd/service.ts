// What inetd serves, and its configuration: a service a line, as inetd.conf(5) has it without the user:
//   port  stream  nowait  program  arguments …
// The first of the arguments is the program's name. What follows a # is no part of it.
import { Server } from "karyon/net";

/** A service. */
@final
export class Service {
  /** Null: not open. */
  listener: Server | null = null;

  constructor(
    public port: u16,
    public program: string,
    public words: string[],
  ) {}
}

/** What has been read: the services, or a complaint. */
@final
export class Configuration {
  services: Service[] = [];
  complaint: string = "";
}

function wordsOf(line: string): string[] {
  const comment = line.indexOf("#");
  const text = (comment < 0 ? line : line.substring(0, comment)).replaceAll("\t", " ").replaceAll("\r", " ");
  const all = text.split(" ");
  const words: string[] = [];
  for (let i = 0; i < all.length; i++) if (all[i].length != 0) words.push(all[i]);
  return words;
}

/** The port that a text names; 0 for none. */
function portOf(text: string): u16 {
  if (text.length == 0 || text.length > 5) return 0;
  let port: u32 = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = <u32>text.charCodeAt(i) - 0x30;
    if (digit > 9) return 0;
    port = port * 10 + digit;
  }
  return port > 0xffff ? 0 : <u16>port;
}

function complaintAbout(words: string[], services: Service[]): string {
  if (words.length < 5) return "port, stream, nowait, program and its name are expected";
  const port = portOf(words[0]);
  if (port == 0) return `"${words[0]}" is no port`;
  for (let i = 0; i < services.length; i++) if (services[i].port == port) return `port ${port} has a service already`;
  if (words[1] != "stream") return `"${words[1]}": only stream is served`;
  if (words[2] != "nowait") return `"${words[2]}": only nowait is served`;
  return words[3].startsWith("/") ? "" : `"${words[3]}" is no absolute path`;
}

/** Reads the text of a configuration. */
export function readConfiguration(text: string): Configuration {
  const configuration = new Configuration();
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const words = wordsOf(lines[i]);
    if (words.length == 0) continue;
    const complaint = complaintAbout(words, configuration.services);
    if (complaint.length != 0) {
      configuration.complaint = `line ${i + 1}: ${complaint}`;
      break;
    }
    configuration.services.push(new Service(portOf(words[0]), words[3], words.slice(4)));
  }
  if (configuration.complaint.length == 0 && configuration.services.length == 0)
    configuration.complaint = "no services";
  return configuration;
}
