import { checkConfig, formatFault } from "../parse.ts";
import type { Config, ConfigInput } from "../schema.ts";

/** The network of the smallest configuration: `rack`, a nursery whose machines live on 10.77.1.0/24 after their birth. */
export const testNetworkInput = {
  name: "rack",
  interface: "rack0",
  serverAddress: "10.77.0.1",
  prefix: "10.77.0.0/24",
  temporaryPool: { first: "10.77.0.50", last: "10.77.0.250" },
  nursery: true,
  permanent: { prefix: "10.77.1.0/24", serverAddress: "10.77.1.1", gateway: "10.77.1.1" },
} as const satisfies ConfigInput["networks"][number];

/** The configuration of a test, read as the file is; what it does not say is as in the smallest one. Throws what is wrong with it. */
export function testConfig(changes: Partial<ConfigInput> = {}): Config {
  const rule = { switch: "tor-(?<rack>\\d+)", port: "swp(?<unit>\\d+)", hostname: "r{rack:2}u{unit:2}" };
  const result = checkConfig({
    networks: [testNetworkInput],
    placement: { rules: [{ ...rule, address: { first: "10.77.1.0", step: { rack: 64, unit: 1 } } }] },
    ...changes,
  });
  if (result.kind === "config") return result.config;
  throw new Error(result.faults.map(formatFault).join("; "));
}
