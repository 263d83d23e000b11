import { formatPrefix, parseIpv4, prefixContains } from "../core/net/ipv4.ts";
import type { Config } from "./config.ts";
import { type ConfigFault, permanentOf, poolHolding } from "./config-check.ts";

/** What is wrong with, or doubtful in, the placement and image rules. */
export function checkRules(config: Config): { readonly faults: ConfigFault[]; readonly warnings: ConfigFault[] } {
  const placement = checkPlacement(config);
  const images = checkImages(config);
  return { faults: [...placement.faults, ...images.faults], warnings: [...placement.warnings, ...images.warnings] };
}

function checkPlacement(config: Config) {
  const faults: ConfigFault[] = [];
  const warnings: ConfigFault[] = [];
  const prefixes = config.networks.map((network) => permanentOf(network).prefix);
  config.placement.rules.forEach((rule, index) => {
    const path = `placement.rules[${index}]`;
    const groups = new Set<string>();
    for (const key of ["switch", "port"] as const) {
      const fault = regularExpressionFault(rule[key]);
      if (fault !== undefined)
        faults.push({
          path: `${path}.${key}`,
          found: JSON.stringify(rule[key]),
          meant: `a regular expression (${fault})`,
        });
      for (const match of rule[key].matchAll(/\(\?<([A-Za-z_]\w*)>/g)) groups.add(match[1] ?? "");
    }
    const known = groups.size === 0 ? "and the rule has none" : `which are ${[...groups].join(", ")}`;
    for (const match of rule.hostname.matchAll(/\{([^}:]*)(?::[^}]*)?\}/g)) {
      if (!groups.has(match[1] ?? "")) {
        faults.push({
          path: `${path}.hostname`,
          found: `{${match[1]}}`,
          meant: `a named group of switch or port, ${known}`,
        });
      }
    }
    for (const group of Object.keys(rule.address.step)) {
      if (!groups.has(group))
        faults.push({
          path: `${path}.address.step.${group}`,
          found: "a step",
          meant: `one of a named group of switch or port, ${known}`,
        });
    }
    const { first } = rule.address;
    const address = parseIpv4(first);
    if (address !== undefined && !prefixes.some((prefix) => prefixContains(prefix, address))) {
      faults.push({
        path: `${path}.address.first`,
        found: first,
        meant: `an address of a permanent network: ${prefixes.map(formatPrefix).join(", ")}`,
      });
    }
    const pool = poolHolding(config, first);
    if (pool !== undefined) {
      faults.push({
        path: `${path}.address.first`,
        found: first,
        meant: `an address outside the temporary pool of network ${pool.name}`,
      });
    }
  });
  if (config.placement.rules.length === 0) {
    warnings.push({
      path: "placement.rules",
      found: "no rule",
      meant: "at least one: without a place a machine gets no name and is not born",
    });
  }
  return { faults, warnings };
}

function checkImages(config: Config) {
  const faults: ConfigFault[] = [];
  const warnings: ConfigFault[] = [];
  const isCatchAll = (rule: Config["images"][number]) => Object.keys(rule.when ?? {}).length === 0;
  config.images.forEach((rule, index) => {
    const product = rule.when?.product;
    const fault = product === undefined ? undefined : regularExpressionFault(product);
    if (fault !== undefined)
      faults.push({
        path: `images[${index}].when.product`,
        found: JSON.stringify(product),
        meant: `a regular expression (${fault})`,
      });
    if (isCatchAll(rule) && index < config.images.length - 1) {
      warnings.push({
        path: `images[${index + 1}]`,
        found: `a rule behind images[${index}], which always holds`,
        meant: "a rule that can be reached: put the rule without `when` last",
      });
    }
  });
  if (!config.images.some(isCatchAll)) {
    warnings.push({
      path: "images",
      found: "no rule without `when`",
      meant: "one at the end: a machine that no rule fits gets no image and is not born",
    });
  }
  return { faults, warnings };
}

function regularExpressionFault(source: string): string | undefined {
  try {
    new RegExp(`^(?:${source})$`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
