import { counted } from "../../core/bytes/counted.ts";
import {
  checkProfileNames,
  checkProfiles,
  type Family,
  type RuleOnNetwork,
} from "../../core/host-network/check-profiles.ts";
import { checkLayoutNames, checkLayouts } from "../../core/install/check-layouts.ts";
import { formatIpv4, formatPrefix, prefixContains } from "../../core/net/ipv4.ts";
import { ipv6PrefixContains, parseIpv6, parseIpv6Prefix } from "../../core/net/ipv6.ts";
import { type Network, permanentPart } from "../../core/network/network.ts";
import {
  checkImageRules,
  checkPlacementRules,
  checkRootDiskRules,
  type RuleProblem,
} from "../../core/site/check-rules.ts";
import type { PlacementRule } from "../../core/site/placement.ts";
import { checkPlan, type PlanFault, planSlots, slotLimit } from "../../core/site/site-plan.ts";
import { type ConfigFault, poolHolding } from "./networks.ts";
import type { Config } from "./schema.ts";

/** Faults in the rules for placement, images and root disks, and warnings about rules that leave machines unborn. */
export function checkRules(config: Config): {
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
} {
  return {
    faults: [
      ...checkPlacementRules(config.placement.rules).map(under("placement.rules")),
      ...checkAddresses(config),
      ...checkIpv6(config),
      ...checkProfileNames(config.placement.rules, config.networkProfiles).map(under("placement.rules")),
      ...checkProfiles(config.networkProfiles, rulesOnNetworks(config)).map(under("networkProfiles")),
      ...checkImageRules(config.images).map(under("images")),
      ...checkRootDiskRules(config.storage.rootDisk).map(under("storage.rootDisk")),
      ...checkLayouts(config.storage.layouts).map(under("storage.layouts")),
      ...checkLayoutNames(config.images, config.storage.layouts).map(under("images")),
    ],
    warnings: [...placementWarnings(config), ...imageWarnings(config)],
  };
}

/** Turns a path inside the list, as core writes it (`0.switch`), into a path of the file: `placement.rules[0].switch`. */
function under(list: string): (problem: RuleProblem) => ConfigFault {
  return ({ path, found, expected }) => ({
    path: list + path.replace(/^(\d+)|\.(\d+)(?=\.|$)/g, "[$1$2]"),
    found,
    expected,
  });
}

function checkAddresses(config: Config): ConfigFault[] {
  const prefixes = config.networks.map((network) => permanentPart(network).prefix);
  return config.placement.rules.flatMap((rule, index) => {
    const path = `placement.rules[${index}].address.first`;
    const { first } = rule.address;
    const found = formatIpv4(first);
    if (!prefixes.some((prefix) => prefixContains(prefix, first))) {
      return [
        { path, found, expected: `an address of a permanent network (${prefixes.map(formatPrefix).join(", ")})` },
      ];
    }
    const pool = poolHolding(config, first);
    if (pool === undefined) return [];
    return [{ path, found, expected: `an address outside the temporary pool of network ${pool.name}` }];
  });
}

/** The network whose permanent addresses a rule gives. */
function networkOfRule({ networks }: Config, { address }: PlacementRule): Network | undefined {
  return networks.find((network) => prefixContains(permanentPart(network).prefix, address.first));
}

/** Each rule with what its permanent network has. */
function rulesOnNetworks(config: Config): readonly RuleOnNetwork[] {
  return config.placement.rules.flatMap((rule) => {
    const network = networkOfRule(config, rule);
    if (network === undefined) return [];
    const { gateway, ipv6, vlan } = permanentPart(network);
    const gateways: Family[] = [];
    if (gateway !== undefined) gateways.push("IPv4");
    if (ipv6?.gateway !== undefined && rule.ipv6 !== undefined) gateways.push("IPv6");
    return [{ rule, permanent: { gateways, ...(vlan === undefined ? {} : { vlan }) } }];
  });
}

/** IPv6 addresses outside of the permanent network whose IPv4 addresses the same rule gives. */
function checkIpv6(config: Config): ConfigFault[] {
  return config.placement.rules.flatMap((rule, index) => {
    const network = networkOfRule(config, rule);
    const address = rule.ipv6 === undefined ? undefined : parseIpv6(rule.ipv6.first);
    if (network === undefined || address === undefined) return [];
    const { ipv6 } = permanentPart(network);
    const prefix = ipv6 && parseIpv6Prefix(ipv6.prefix);
    if (prefix !== undefined && ipv6PrefixContains(prefix, address)) return [];
    const expected =
      ipv6 === undefined ? `permanent.ipv6 in network ${network.name}` : `an address in its prefix ${ipv6.prefix}`;
    return [{ path: `placement.rules[${index}].ipv6.first`, found: rule.ipv6?.first ?? "", expected }];
  });
}

/** What each kind of fault of the plan expects. */
const expectedOf: { readonly [K in PlanFault["kind"]]: string } = {
  unplaced: "a placement rule for each slot",
  nameTwice: "a name of its own for each slot",
  addressTwice: "an address of its own for each slot",
  addressUnusable: "addresses that machines can keep",
};

/** Contradictions between the expected slots and the rules; none if the rules themselves have faults. */
export function sitePlanFaults({ site, placement, networks }: Config): ConfigFault[] {
  if (site === undefined || checkPlacementRules(placement.rules).length > 0) return [];
  const count = site.reduce((sum, { racks, units }) => sum + racks.length * units.length, 0);
  if (count > slotLimit) return [{ path: "site", expected: `at most ${slotLimit} slots`, found: String(count) }];
  return checkPlan(planSlots(site, placement.rules), networks).map(({ kind, slots, example }) => ({
    path: "site",
    expected: expectedOf[kind],
    found: `${counted(slots, "slot")} without: ${example}`,
  }));
}

function placementWarnings(config: Config): ConfigFault[] {
  if (config.placement.rules.length > 0) return [];
  const expected = "at least one rule (a machine without a slot gets no name and is not born)";
  return [{ path: "placement.rules", found: "none", expected }];
}

function imageWarnings(config: Config): ConfigFault[] {
  if (config.images.some((rule) => Object.keys(rule.when).length === 0)) return [];
  const expected = "a last rule without `when` (a machine that matches no rule gets no image and is not born)";
  return [{ path: "images", found: "conditions in every rule", expected }];
}
