// Trees of files as they should be, and what of them a power cut may leave. After each operation there is a state; a volume after a cut must have
// the names, sizes and links of one of them: of the last one that was synced before the cut, or of a later one that had begun. Its contents are
// what they were in that state, or, byte by byte, what a later write has put in their place.

/** What a path is: a directory, a link and its text, or a file – the same `id` by whatever name – and its contents. */
export type Node =
  | { readonly kind: "directory" }
  | { readonly kind: "link"; readonly text: string }
  | { readonly kind: "file"; readonly id: number; readonly contents: Buffer };

/** All paths below the volume's root, "lost+found" left out. */
export type Tree = ReadonlyMap<string, Node>;

/** The names, types, sizes and links of `tree`. */
function shape(tree: Tree): string {
  const first = new Map<number, string>();
  return [...tree]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, node]) => {
      if (node.kind !== "file") return `${path} ${node.kind} ${node.kind === "link" ? node.text : ""}`;
      const same = first.get(node.id) ?? path;
      first.set(node.id, same);
      return `${path} = ${same} ${node.contents.length}`;
    })
    .join("\n");
}

/** The contents of file `id` in `tree`, whatever its name there. */
function contentsOf(tree: Tree, id: number): Buffer | undefined {
  for (const node of tree.values()) if (node.kind === "file" && node.id === id) return node.contents;
  return undefined;
}

/** Why `found` has not the contents of state `index` of `states`; "" when it has. */
function wrongContents(found: Tree, states: readonly Tree[], index: number, last: number): string {
  for (const [path, node] of states[index] ?? []) {
    const own = found.get(path);
    if (node.kind !== "file" || own?.kind !== "file") continue;
    if (own.contents.equals(node.contents)) continue;
    const later = states.slice(index + 1, last + 1).map((tree) => contentsOf(tree, node.id));
    const at = own.contents.findIndex(
      (byte, i) => byte !== node.contents[i] && !later.some((contents) => contents?.[i] === byte),
    );
    if (at >= 0) return `${path}: byte ${at} is ${own.contents[at]}, and was ${node.contents[at]}`;
  }
  return "";
}

/** Why `found` is none of the states `first` … `last`; "" when it is one. */
export function compareStates(found: Tree, states: readonly Tree[], first: number, last: number): string {
  const own = shape(found);
  let reason = "";
  for (let index = last; index >= first; index--) {
    const tree = states[index];
    if (tree === undefined || shape(tree) !== own) continue;
    reason = wrongContents(found, states, index, last);
    if (reason === "") return "";
  }
  if (reason !== "") return reason;
  return `found:\n${own}\n\nstate ${first}:\n${shape(states[first] ?? new Map())}\n\nstate ${last}:\n${shape(states[last] ?? new Map())}`;
}
