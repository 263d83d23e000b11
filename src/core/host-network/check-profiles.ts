import { parseIpv4, parsePrefix } from "../net/ipv4.ts";
import { canonicalIpv6, parseIpv6Prefix } from "../net/ipv6.ts";
import { groupsOfRule, type RuleProblem } from "../site/check-rules.ts";
import { readPattern } from "../site/pattern.ts";
import type { PlacementRule } from "../site/placement.ts";
import type { Addressing, AddressTemplate, LinkProfile, NetworkProfile, Route } from "./profile.ts";

/** What a rule's machines get beside their profile: families with a default gateway, and the VLAN of the permanent network. */
export type PermanentFacts = { readonly gateways: readonly Family[]; readonly vlan?: number };

/** A rule with what the permanent network of its addresses has. */
export type RuleOnNetwork = { readonly rule: PlacementRule; readonly permanent: PermanentFacts };

export type Family = "IPv4" | "IPv6";

/** An MTU below this cannot carry IPv6 (RFC 8200 §5), and every interface has a link-local address or may get one. */
export const leastMtu = 1280;
const usualMtu = 1500;

/** All faults in network profiles that can be seen without a machine; paths begin with the number in the list. */
export function checkProfiles(profiles: readonly NetworkProfile[], rules: readonly RuleOnNetwork[]): RuleProblem[] {
  return profiles.flatMap((profile, index) => {
    const path = `${index}`;
    const users = rules.filter(({ rule }) => rule.profile === profile.name);
    const twice = profiles.findIndex(({ name }) => name === profile.name) < index;
    return [
      ...(twice ? [problem(`${path}.name`, "a name that no other profile has", profile.name)] : []),
      ...profile.links.flatMap((link, at) => [
        ...checkLink(link, `${path}.links.${at}`),
        ...sameName(profile.links, at, `${path}.links.${at}`),
      ]),
      ...checkDefaultRoutes(profile, users, path),
      ...checkGroups(profile, users, path),
      ...checkPermanentVlan(profile, users, path),
    ];
  });
}

/** Rules that name a profile which is not there; paths begin with the number of the rule. */
export function checkProfileNames(
  rules: readonly PlacementRule[],
  profiles: readonly NetworkProfile[],
): readonly RuleProblem[] {
  const names = profiles.map(({ name }) => name);
  return rules.flatMap(({ profile }, index) =>
    profile === undefined || names.includes(profile)
      ? []
      : [
          problem(
            `${index}.profile`,
            names.length === 0
              ? "the name of a profile in networkProfiles, which is empty"
              : `one of ${names.join(", ")}`,
            profile,
          ),
        ],
  );
}

function problem(path: string, expected: string, found: string): RuleProblem {
  return { path, expected, found };
}

function sameName(links: readonly LinkProfile[], at: number, path: string): readonly RuleProblem[] {
  const name = links[at]?.name ?? "";
  const isTwice = links.findIndex((link) => link.name === name) < at;
  return isTwice ? [problem(`${path}.name`, "a name that no other link of the profile has", name)] : [];
}

function checkLink(link: LinkProfile, path: string): readonly RuleProblem[] {
  const { bond, nics, mtu, vlans } = link;
  const problems: RuleProblem[] = [];
  if (/^(eth|en|wl|lo)/.test(link.name))
    problems.push(
      problem(`${path}.name`, "a name that no NIC gets from the kernel or udev (eth…, en…, wl…, lo)", link.name),
    );
  if (bond !== undefined && nics === undefined)
    problems.push(
      problem(
        `${path}.nics`,
        "a rule that finds the NICs of the bond ({} for all with a link)",
        "none, so a bond of one NIC",
      ),
    );
  if (bond?.mode === "802.3ad" && bond.minLinks > bond.least)
    problems.push(problem(`${path}.bond.minLinks`, `at most least (${bond.least})`, String(bond.minLinks)));
  for (const key of ["name", "driver", "switch", "port"] as const) {
    const pattern = nics?.[key] === undefined ? undefined : readPattern(nics[key]);
    if (pattern?.kind === "broken")
      problems.push(problem(`${path}.nics.${key}`, `a regular expression (${pattern.reason})`, nics?.[key] ?? ""));
  }
  for (const [index, one] of vlans.entries()) {
    const at = `${path}.vlans.${index}`;
    if (vlans.findIndex(({ vlan }) => vlan === one.vlan) < index)
      problems.push(problem(`${at}.vlan`, "a VLAN that the link has once", String(one.vlan)));
    if (one.mtu !== undefined && one.mtu > (mtu ?? usualMtu))
      problems.push(problem(`${at}.mtu`, `at most the MTU of the link (${mtu ?? usualMtu})`, String(one.mtu)));
    problems.push(...checkAddressing(one, at));
  }
  return [...problems, ...checkAddressing(link, path)];
}

function checkAddressing({ addresses, routes }: Addressing, path: string): readonly RuleProblem[] {
  return [
    ...addresses.flatMap((template, index) => checkTemplate(template, `${path}.addresses.${index}`)),
    ...routes.flatMap((route, index) => checkRoute(route, `${path}.routes.${index}`)),
  ];
}

function checkTemplate({ first, prefixLength }: AddressTemplate, path: string): readonly RuleProblem[] {
  const family = familyOf(first);
  if (family === undefined) return [problem(`${path}.first`, "an IPv4 or IPv6 address", first)];
  const most = family === "IPv4" ? 32 : 128;
  return prefixLength <= most ? [] : [problem(`${path}.prefixLength`, `at most ${most}`, String(prefixLength))];
}

function checkRoute({ to, via }: Route, path: string): readonly RuleProblem[] {
  const family = destinationFamily(to);
  if (family === undefined)
    return [problem(`${path}.to`, "a prefix without host bits, such as 10.0.0.0/8 or 2001:db8::/32", to)];
  if (familyOf(via) === family) return [];
  return [problem(`${path}.via`, `an ${family} address, as \`to\` is`, via)];
}

/** The family of a route's destination; undefined if it is no prefix. */
export function destinationFamily(to: string): Family | undefined {
  const ipv4 = parsePrefix(to);
  if (ipv4 !== undefined) return parseIpv4(to.split("/")[0] ?? "") === ipv4.address ? "IPv4" : undefined;
  return parseIpv6Prefix(to) === undefined ? undefined : "IPv6";
}

function familyOf(address: string): Family | undefined {
  if (parseIpv4(address) !== undefined) return "IPv4";
  return canonicalIpv6(address) === undefined ? undefined : "IPv6";
}

/** Two default routes of one family: which one a packet takes would be chance. */
function checkDefaultRoutes(
  profile: NetworkProfile,
  users: readonly RuleOnNetwork[],
  path: string,
): readonly RuleProblem[] {
  const own = profile.links.flatMap((link, at) => [
    ...defaultsOf(link, `${path}.links.${at}`),
    ...link.vlans.flatMap((one, index) => defaultsOf(one, `${path}.links.${at}.vlans.${index}`)),
  ]);
  const gateways = new Set(users.flatMap(({ permanent }) => permanent.gateways));
  return own.flatMap(({ family, path: where, via }, index) => {
    const earlier = own.slice(0, index).find((other) => other.family === family);
    if (earlier === undefined && !gateways.has(family)) return [];
    const other = earlier === undefined ? "the gateway of the permanent network" : earlier.via;
    return [problem(where, `one default route for ${family} (another leads to ${other})`, `a second one, to ${via}`)];
  });
}

function defaultsOf({ routes }: Addressing, path: string) {
  return routes.flatMap(({ to, via }, index) => {
    const family = destinationFamily(to);
    return family === undefined || !/\/0$/.test(to) ? [] : [{ family, path: `${path}.routes.${index}`, via }];
  });
}

/** Groups of address templates that a rule which names the profile does not have. */
function checkGroups(profile: NetworkProfile, users: readonly RuleOnNetwork[], path: string): readonly RuleProblem[] {
  const templates = profile.links.flatMap((link, at) => [
    ...link.addresses.map((template, index) => ({ template, path: `${path}.links.${at}.addresses.${index}` })),
    ...link.vlans.flatMap(({ addresses }, vlan) =>
      addresses.map((template, index) => ({ template, path: `${path}.links.${at}.vlans.${vlan}.addresses.${index}` })),
    ),
  ]);
  return templates.flatMap(({ template, path: where }) =>
    Object.keys(template.step).flatMap((group) => {
      const without = users.find(({ rule }) => !groupsOfRule(rule).includes(group));
      if (without === undefined) return [];
      const groups = groupsOfRule(without.rule).join(", ") || "none";
      return [
        problem(`${where}.step.${group}`, `a group of each rule that names the profile (one has ${groups})`, group),
      ];
    }),
  );
}

function checkPermanentVlan(
  profile: NetworkProfile,
  users: readonly RuleOnNetwork[],
  path: string,
): readonly RuleProblem[] {
  const [first] = profile.links;
  return (first?.vlans ?? []).flatMap(({ vlan }, index) =>
    users.some(({ permanent }) => permanent.vlan === vlan)
      ? [
          problem(
            `${path}.links.0.vlans.${index}.vlan`,
            "another VLAN than that of the permanent network, whose addressing is the link's own",
            String(vlan),
          ),
        ]
      : [],
  );
}
