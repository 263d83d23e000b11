import { checkConfig, formatFault } from "../src/contract/config/parse.ts";
import type { Config } from "../src/contract/config/schema.ts";
import { demoConfig } from "../src/main/demo/plan.ts";

/** The site of bench/calibrate, of real machines and of simulated ones: that of the demo. */
export function calibrationConfig(stateDirectory: string): Config {
  const result = checkConfig(demoConfig(stateDirectory));
  if (result.kind === "config") return result.config;
  throw new Error(`the configuration of the demo: ${result.faults.map(formatFault).join("; ")}`);
}
