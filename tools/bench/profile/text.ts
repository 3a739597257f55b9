// A profile as text for a terminal: at most 80 columns.
import type { Profile, Share } from "./attribute.ts";

const NUMBER_WIDTH = 14;
const SHARE_WIDTH = 9;
const NAME_WIDTH = 55;

/**
 * The lists of layers and of functions.
 *
 * @param operations what the instructions are divided by: requests, or 1
 * @param top how many functions are shown
 */
export function profileText(profile: Profile, operations: number, top: number): string {
  const shown = profile.functions.slice(0, top);
  const rest = profile.functions.slice(top);
  const others = { name: `${rest.length} others`, instructions: sum(rest) };
  const all = { name: "all", instructions: profile.instructions };
  const lines = (shares: readonly Share[]): string[] => shares.map((share) => line(share, profile, operations));
  const head = (of: string): string =>
    `${(operations === 1 ? "instructions" : "a request").padStart(NUMBER_WIDTH)}${"share".padStart(SHARE_WIDTH)}  ${of}`;
  return [
    head("layer"),
    ...lines([...profile.layers, all]),
    "",
    head("function"),
    ...lines([...shown, ...(rest.length > 0 ? [others] : [])]),
  ].join("\n");
}

function line({ name, instructions }: Share, { instructions: all }: Profile, operations: number): string {
  const number = Math.round(instructions / operations).toLocaleString("en-US");
  const share = `${(all === 0 ? 0 : (100 * instructions) / all).toFixed(1)} %`;
  // The end of a name tells most.
  const end = name.length > NAME_WIDTH ? `…${name.slice(1 - NAME_WIDTH)}` : name;
  return `${number.padStart(NUMBER_WIDTH)}${share.padStart(SHARE_WIDTH)}  ${end}`;
}

function sum(shares: readonly Share[]): number {
  return shares.reduce((total, { instructions }) => total + instructions, 0);
}
