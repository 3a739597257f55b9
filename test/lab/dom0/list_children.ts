// Has the real xenstored list a node of many children to forkd's client, undisturbed and while others come: node list_children.mjs <count>.
// Prints what is wrong, or "listed".
import { Store } from "../../../tools/forkd/xen/store.ts";

const HOME = "/karyon-children";
const names = Array.from({ length: Number(process.argv[2]) }, (_, index) => String(index + 1));
const [store, other] = [await Store.open(), await Store.open()];

/** Says what a list lacks or has too much, but for `extra`. */
function check(what: string, listed: readonly string[], extra: RegExp): void {
  const kept = listed.filter((name) => !extra.test(name));
  if (kept.join() !== names.join()) process.stdout.write(`${what}: ${kept.length} of ${names.length}\n`);
  if (new Set(listed).size !== listed.length) process.stdout.write(`${what}: a name comes twice\n`);
}

await store.writeAll(names.map((name) => ({ path: `${HOME}/${name}`, value: "" })));
check("undisturbed", await store.directory(HOME), /^$/);
for (let i = 0; i < 20; i++) {
  const [listed] = await Promise.all([store.directory(HOME), other.write(`${HOME}/new-${i}`, "")]);
  check(`disturbed ${i}`, listed, /^new-/);
}
await store.removeEmpty(HOME);
check("not empty", await store.directory(HOME), /^new-/);
await store.remove(HOME);
check("gone", [...names, ...(await store.directory(HOME))], /^$/);
process.stdout.write("listed\n");
store.close();
other.close();
