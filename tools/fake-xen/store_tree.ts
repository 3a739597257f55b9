// The xenstore database: a tree of values, changed directly or in transactions. A transaction works on a copy and is
// refused when a node that it read or wrote has changed since (docs/misc/xenstore.txt).

/** An error reply's name, such as "ENOENT". */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

type Nodes = Map<string, string>;

interface Transaction {
  readonly nodes: Nodes;
  readonly started: number;
  readonly touched: Set<string>;
  readonly changed: string[];
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

function checkPath(path: string): void {
  const valid = path === "/" || (/^(\/[-A-Za-z0-9_@:.]+)+$/.test(path) && path.length <= 3072);
  if (!valid) throw new StoreError("EINVAL");
}

export class StoreTree {
  private readonly nodes: Nodes = new Map([["/", ""]]);
  private readonly changedAt = new Map<string, number>();
  private readonly transactions = new Map<number, Transaction>();
  private time = 0;
  private nextTransaction = 1;

  /** @param onChange called for each changed path once it counts */
  constructor(private readonly onChange: (path: string) => void) {}

  private transaction(id: number): Transaction | undefined {
    if (id === 0) return undefined;
    const transaction = this.transactions.get(id);
    if (transaction === undefined) throw new StoreError("ENOENT");
    return transaction;
  }

  private view(path: string, id: number): Nodes {
    checkPath(path);
    const transaction = this.transaction(id);
    transaction?.touched.add(path);
    return transaction?.nodes ?? this.nodes;
  }

  private changed(path: string, id: number): void {
    const transaction = this.transaction(id);
    if (transaction !== undefined) {
      transaction.changed.push(path);
      return;
    }
    this.changedAt.set(path, ++this.time);
    this.onChange(path);
  }

  read(path: string, id = 0): string {
    const value = this.view(path, id).get(path);
    if (value === undefined) throw new StoreError("ENOENT");
    return value;
  }

  exists(path: string, id = 0): boolean {
    return this.view(path, id).has(path);
  }

  write(path: string, value: string, id = 0): void {
    const nodes = this.view(path, id);
    for (let above = parentOf(path); !nodes.has(above); above = parentOf(above)) nodes.set(above, "");
    nodes.set(path, value);
    this.changed(path, id);
  }

  directory(path: string, id = 0): readonly string[] {
    const nodes = this.view(path, id);
    if (!nodes.has(path)) throw new StoreError("ENOENT");
    const prefix = path === "/" ? "/" : `${path}/`;
    const names = [...nodes.keys()].filter((node) => node.startsWith(prefix) && node !== "/");
    return [...new Set(names.map((node) => node.slice(prefix.length).split("/")[0] ?? ""))].sort();
  }

  remove(path: string, id = 0): void {
    const nodes = this.view(path, id);
    if (!nodes.has(parentOf(path))) throw new StoreError("ENOENT");
    if (!nodes.has(path)) return;
    for (const node of [...nodes.keys()]) if (node === path || node.startsWith(`${path}/`)) nodes.delete(node);
    this.changed(path, id);
  }

  begin(): number {
    const id = this.nextTransaction++;
    this.transactions.set(id, { nodes: new Map(this.nodes), started: this.time, touched: new Set(), changed: [] });
    return id;
  }

  /** Ends a transaction. @throws StoreError EAGAIN when others have changed what it used */
  end(id: number, commit: boolean): void {
    const transaction = this.transaction(id);
    if (transaction === undefined) throw new StoreError("EINVAL");
    this.transactions.delete(id);
    if (!commit) return;
    for (const path of transaction.touched) {
      if ((this.changedAt.get(path) ?? 0) > transaction.started) throw new StoreError("EAGAIN");
    }
    for (const path of transaction.changed) {
      const value = transaction.nodes.get(path);
      if (value === undefined) this.remove(path);
      else this.write(path, value);
    }
  }
}
