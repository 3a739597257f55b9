// What an app imports as "karyon/process": the process itself – arguments, environment, end, signals – and other programs of the image, in a line
// each. A call that fails gives null, false or -1, as its type has it, and errno says why; one that succeeds leaves errno alone.
export * from "./children";
export * from "./self";
export * from "./signals";
