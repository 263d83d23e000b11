import { formatPrefix, parseIpv4, prefixContains } from "../../core/net/ipv4.ts";
import { checkImageRules, checkPlacementRules, type RuleProblem } from "../../core/site/check-rules.ts";
import { type ConfigFault, permanentOf, poolHolding } from "./networks.ts";
import type { Config } from "./schema.ts";

/** What is wrong with, or doubtful in, the placement and image rules. */
export function checkRules(config: Config): {
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
} {
  return {
    faults: [
      ...checkPlacementRules(config.placement.rules).map(under("placement.rules")),
      ...checkAddresses(config),
      ...checkImageRules(config.images).map(under("images")),
    ],
    warnings: [...doubtfulPlacement(config), ...doubtfulImages(config)],
  };
}

/** The rooms of core write `0.switch`; the file's reader wants `placement.rules[0].switch`. */
function under(list: string): (problem: RuleProblem) => ConfigFault {
  return ({ path, found, meant }) => ({ path: list + path.replace(/^(\d+)/, "[$1]"), found, meant });
}

function checkAddresses(config: Config): ConfigFault[] {
  const prefixes = config.networks.map((network) => permanentOf(network).prefix);
  return config.placement.rules.flatMap((rule, index) => {
    const path = `placement.rules[${index}].address.first`;
    const { first: found } = rule.address;
    const address = parseIpv4(found);
    if (address === undefined) return [];
    if (!prefixes.some((prefix) => prefixContains(prefix, address))) {
      return [{ path, found, meant: `an address of a permanent network: ${prefixes.map(formatPrefix).join(", ")}` }];
    }
    const pool = poolHolding(config, found);
    if (pool === undefined) return [];
    return [{ path, found, meant: `an address outside the temporary pool of network ${pool.name}` }];
  });
}

function doubtfulPlacement(config: Config): ConfigFault[] {
  if (config.placement.rules.length > 0) return [];
  const meant = "at least one: without a place a machine gets no name and is not born";
  return [{ path: "placement.rules", found: "no rule", meant }];
}

function doubtfulImages(config: Config): ConfigFault[] {
  if (config.images.some((rule) => Object.keys(rule.when ?? {}).length === 0)) return [];
  const meant = "one at the end: a machine that no rule fits gets no image and is not born";
  return [{ path: "images", found: "no rule without `when`", meant }];
}
