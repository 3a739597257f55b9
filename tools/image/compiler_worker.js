// The thread in which AssemblyScript and binaryen run. Plain JavaScript, because tsx would rewrite the 30 MB of their
// code on every start, which takes ten times as long as compiling an app; compiler.ts starts it without tsx and types
// its messages. Files are read on the other side: the thread asks for them.
import { parentPort } from "node:worker_threads";
import binaryen from "assemblyscript/binaryen";
import asc from "assemblyscript/asc";
import * as assemblyscript from "assemblyscript";

if (parentPort === null) throw new Error("this is a worker thread");
const port = parentPort;

// Its declarations have NodeKind as a const enum, which nothing but its own build can use; the value is there.
const { CommonFlags, DiagnosticCode, Node, NodeKind } = /** @type {any} */ (assemblyscript);

/** @type {Map<number, (text: string | null) => void>} */
const reads = new Map();
let readsBegun = 0;

// Exports what the image has to know of the module's memory layout, under names that no optimisation removes.
const exportLayout = {
  /** @param {binaryen.Module} module */
  afterCompile(module) {
    for (const name of ["__heap_base", "__stack_pointer"]) {
      const global = `~lib/memory/${name}`;
      if (module.getGlobal(global) !== 0) module.addGlobalExport(global, name);
    }
  },
};

/** @param {string[]} apart */
const notInlined = (apart) => ({
  /** @param {binaryen.Module} module */
  afterCompile(module) {
    for (const name of apart) {
      binaryen.setPassArgument("no-inline", name);
      module.runPasses(["no-inline"]);
    }
  },
});

// Lets the garbage collector see what all threads of an app refer to. The stock collector scans one shadow stack, from
// __stack_pointer up to the end of the main thread's; here its scan gets one statement more, a call of
// __visitThreadStacks (libos/api/thread.ts), which scans the others. The name reaches the collector as an alias that
// asconfig.json sets for apps (`use`).
const threadRoots = {
  /** @param {any} parser asc's */
  afterParse(parser) {
    const collector = parser.sources.find((/** @type {any} */ source) => source.internalPath === "~lib/rt/itcms");
    if (collector === undefined) return; // the kernel has none
    const scan = collector.statements.find(
      (/** @type {any} */ statement) =>
        statement.kind === NodeKind.FunctionDeclaration && statement.name.text === "visitStack",
    );
    if (scan?.body?.kind !== NodeKind.Block) {
      throw new Error("AssemblyScript's collector has no function visitStack: not the version of package-lock.json");
    }
    const { range } = scan;
    const call = Node.createCallExpression(
      Node.createIdentifierExpression("__visitThreadStacks", range),
      null,
      [Node.createIdentifierExpression("cookie", range)],
      range,
    );
    scan.body.statements.push(Node.createExpressionStatement(call));
  },
};

// What compiles and then does something else than it says. The linter knows these rules too; here they hold for apps
// that nobody lints.
const sourceRules = {
  /** @param {any} parser asc's */
  afterParse(parser) {
    const sources = parser.sources.filter((/** @type {any} */ source) => !source.internalPath.startsWith("~lib/"));
    const classes = new Map(
      sources.flatMap((/** @type {any} */ source) =>
        source.statements
          .filter((/** @type {any} */ statement) => statement.kind === NodeKind.ClassDeclaration)
          .map((/** @type {any} */ statement) => [statement.name.text, statement]),
      ),
    );
    for (const declaration of classes.values()) checkUnmanaged(parser, declaration, classes);
    for (const source of sources) refuseFences(parser, source.statements);
  },
};

/** @param {any} declaration a class */
function isUnmanaged(declaration) {
  return declaration.decorators?.some((/** @type {any} */ { name }) => name.text === "unmanaged") ?? false;
}

/** @param {any} declaration a class */
function methodsOf(declaration) {
  return declaration.members.filter(
    (/** @type {any} */ member) => member.kind === NodeKind.MethodDeclaration && !member.is(CommonFlags.Static),
  );
}

/**
 * A virtual call looks for the object's class in the header that an unmanaged object does not have.
 *
 * @param {any} parser
 * @param {any} declaration
 * @param {Map<string, any>} classes
 */
function checkUnmanaged(parser, declaration, classes) {
  if (!isUnmanaged(declaration)) return;
  const inherited = new Set();
  let base = declaration;
  while ((base = classes.get(base.extendsType?.name.identifier.text)) && base !== declaration) {
    for (const method of methodsOf(base)) inherited.add(method.name.text);
  }
  for (const method of methodsOf(declaration)) {
    const marked = method.is(CommonFlags.Override) || method.is(CommonFlags.Abstract);
    if (!marked && !inherited.has(method.name.text)) continue;
    report(parser, `Method '${method.name.text}' of an unmanaged class cannot be virtual.`, method.name.range);
  }
  if (declaration.implementsTypes?.length > 0) {
    report(parser, "An unmanaged class cannot implement an interface.", declaration.name.range);
  }
}

/**
 * binaryen takes a fence for an instruction without effects and removes it.
 *
 * @param {any} parser
 * @param {any} node
 */
function refuseFences(parser, node) {
  if (Array.isArray(node)) {
    for (const item of node) refuseFences(parser, item);
  } else if (node instanceof Node) {
    if (node.kind === NodeKind.PropertyAccess && node.property.text === "fence" && node.expression.text === "atomic") {
      report(parser, "atomic.fence does not survive the optimiser; kernel/boot.ts has barrier().", node.range);
    }
    for (const [key, value] of Object.entries(node))
      if (key !== "range" && key !== "parent") refuseFences(parser, value);
  }
}

/**
 * @param {any} parser
 * @param {string} message
 * @param {object} range
 */
function report(parser, message, range) {
  parser.error(DiagnosticCode.User_defined_0, range, message);
}

/**
 * @param {number} id
 * @param {string} name
 * @param {string} base
 * @returns {Promise<string | null>}
 */
function readFile(id, name, base) {
  return new Promise((resolve) => {
    const read = ++readsBegun;
    reads.set(read, resolve);
    port.postMessage({ kind: "read", id, read, name, base });
  });
}

/**
 * @param {number} id
 * @param {string[]} argv
 * @param {string[]} apart functions that are not put into their callers
 */
async function compile(id, argv, apart) {
  /** @type {Uint8Array | null} */
  let wasm = null;
  /** @type {object[]} */
  const diagnostics = [];
  const { error, stderr } = await asc.main([...argv, "--outFile", "module.wasm"], {
    stdout: asc.createMemoryStream(),
    stderr: asc.createMemoryStream(),
    readFile: (name, base) => readFile(id, name, base),
    writeFile: (_name, contents) => {
      if (typeof contents !== "string") wasm = contents;
    },
    listFiles: () => [],
    reportDiagnostic: (diagnostic) => diagnostics.push(plainDiagnostic(diagnostic)),
    transforms: /** @type {any} */ ([exportLayout, notInlined(apart), threadRoots, sourceRules]),
  });
  const message = error === null ? "" : `${error.message}\n${stderr.toString()}`;
  return { wasm: error === null ? wasm : null, diagnostics, message };
}

/** @param {any} diagnostic a message of asc, whose ranges refer to the whole program */
function plainDiagnostic({ code, category, message, range, relatedRange }) {
  /** @param {any} r */
  const plain = (r) => r && { start: r.start, end: r.end, source: { normalizedPath: r.source.normalizedPath } };
  return { code, category, message, range: plain(range), relatedRange: plain(relatedRange) };
}

// What translate.ts and boot/runtime.h implement; a module that uses more does not validate.
const { MutableGlobals, SignExt, NontrappingFPToInt, BulkMemory, BulkMemoryOpt, Atomics, ExceptionHandling } =
  binaryen.Features;
const FEATURES =
  MutableGlobals | SignExt | NontrappingFPToInt | BulkMemory | BulkMemoryOpt | Atomics | ExceptionHandling;

/** @param {Uint8Array} binary */
function admit(binary) {
  const module = binaryen.readBinaryWithFeatures(binary, FEATURES);
  try {
    module.setFeatures(FEATURES); // and none that the module declares besides
    if (!module.validate()) return { wasm: null };
    binaryen.setDebugInfo(true);
    return { wasm: module.emitBinary() };
  } finally {
    module.dispose();
  }
}

port.on("message", async (request) => {
  if (request.kind === "file") {
    reads.get(request.read)?.(request.text);
    reads.delete(request.read);
    return;
  }
  try {
    const result =
      request.kind === "compile" ? await compile(request.id, request.argv, request.apart) : admit(request.binary);
    port.postMessage({ kind: "done", id: request.id, result });
  } catch (error) {
    port.postMessage({ kind: "failed", id: request.id, error: String(error) });
  }
});
