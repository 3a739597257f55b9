// The parts of the bench in the order in which they run: the one list that the command line, the table, the JSON file and --help
// follow. A new experiment is a module of its own – figures and a function that measures them – and a line here.
import { BOOT_FIGURES, measureBoot } from "./boot.ts";
import { BUILD_FIGURES, measureBuild } from "./build.ts";
import { CALLS_FIGURES, measureCalls } from "./calls/calls.ts";
import { DENSITY_FIGURES, measureDensity } from "./density.ts";
import type { Definition, Results } from "./figures.ts";
import { FORK_FIGURES } from "./fork/figures.ts";
import { measureFork } from "./fork/fork.ts";
import { HANDOVER_FIGURES, measureHandover } from "./handover.ts";
import { FORKING_FIGURES, measureForking } from "./http/forking.ts";
import { APACHE_FIGURES, HTTP_FIGURES, measureApache, measureHttp } from "./http/http.ts";
import { LATENCY_FIGURES, measureLatency } from "./http/latency.ts";
import { measurePrefork, PREFORK_FIGURES } from "./http/prefork.ts";
import { measureScale, SCALE_FIGURES } from "./http/scale.ts";
import { measureTime, TIME_FIGURES } from "./http/time.ts";
import { LOOPS_FIGURES, measureLoops } from "./loops/loops.ts";
import { MEMORY_FIGURES, measureMemory } from "./memory.ts";
import { measureNet, NET_FIGURES } from "./net/net.ts";
import { SIZE_FIGURES, measureSizes } from "./size.ts";
import { measureSoak, SOAK_FIGURES } from "./soak/soak.ts";
import { measureSteering, STEERING_FIGURES } from "./steering/steering.ts";
import { TESTS_FIGURES, measureTests } from "./tests.ts";

/** What a part may be told. */
export interface MeasureOptions {
  /** Few repetitions, where there are many. */
  readonly quick: boolean;
  /** The folder that charts go to. */
  readonly charts: string;
}

/** One experiment. */
export interface Part {
  readonly figures: readonly Definition[];
  readonly measure: (options: MeasureOptions) => Promise<Results>;
  /** Takes so long that it runs only when it is named. */
  readonly long?: true;
}

const ALL = {
  size: { figures: SIZE_FIGURES, measure: measureSizes },
  memory: { figures: MEMORY_FIGURES, measure: measureMemory },
  boot: { figures: BOOT_FIGURES, measure: measureBoot },
  calls: { figures: CALLS_FIGURES, measure: measureCalls },
  loops: { figures: LOOPS_FIGURES, measure: measureLoops },
  http: { figures: HTTP_FIGURES, measure: measureHttp },
  apache: { figures: APACHE_FIGURES, measure: measureApache },
  latency: { figures: LATENCY_FIGURES, measure: measureLatency },
  scale: { figures: SCALE_FIGURES, measure: measureScale },
  time: { figures: TIME_FIGURES, measure: measureTime },
  density: { figures: DENSITY_FIGURES, measure: measureDensity },
  net: { figures: NET_FIGURES, measure: measureNet },
  prefork: { figures: PREFORK_FIGURES, measure: measurePrefork },
  forking: { figures: FORKING_FIGURES, measure: measureForking },
  steering: { figures: STEERING_FIGURES, measure: measureSteering },
  handover: { figures: HANDOVER_FIGURES, measure: measureHandover },
  build: { figures: BUILD_FIGURES, measure: measureBuild },
  fork: { figures: FORK_FIGURES, measure: measureFork, long: true },
  soak: { figures: SOAK_FIGURES, measure: measureSoak, long: true },
  tests: { figures: TESTS_FIGURES, measure: measureTests, long: true },
} as const satisfies Readonly<Record<string, Part>>;

export type PartName = keyof typeof ALL;
export const PARTS: Readonly<Record<PartName, Part>> = ALL;
export const PART_NAMES = Object.keys(ALL) as readonly PartName[];

/** All figures, in the order in which they are shown. */
export const DEFINITIONS: readonly Definition[] = PART_NAMES.flatMap((name) => PARTS[name].figures);
