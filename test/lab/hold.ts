// For lab.test.ts: a process that starts a lab, prints its handle and holds it until it is killed.
import { Lab } from "../../tools/lab/lab.ts";

const lab = await Lab.start();
process.stdout.write(JSON.stringify(lab.handle));
setInterval(() => undefined, 1000);
