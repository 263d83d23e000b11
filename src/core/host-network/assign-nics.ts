import type { Nic } from "../hardware/hardware.ts";
import type { Mac } from "../net/mac.ts";
import { readPattern } from "../site/pattern.ts";
import type { Neighbour } from "../site/placement.ts";
import type { LinkProfile, NetworkProfile, NicRule } from "./profile.ts";

/** A NIC with those who announced themselves on its cable. */
export type Cable = Pick<Nic, "name" | "mac" | "driver" | "speedMbps" | "carrier"> & {
  readonly neighbours: readonly Neighbour[];
};

/** A link with its NICs, the one that booted first. */
export type AssignedLink = { readonly link: LinkProfile; readonly nics: readonly Pick<Nic, "name" | "mac">[] };

export type Assignment =
  | { readonly kind: "assigned"; readonly links: readonly AssignedLink[] }
  | { readonly kind: "unassigned"; readonly reason: string };

/** Whether a profile asks what is heard on the cables of other NICs than the one that booted. */
export function asksNeighbours({ links }: NetworkProfile): boolean {
  return links.some(({ nics }) => nics?.switch !== undefined || nics?.port !== undefined);
}

/**
 * Which NICs the links of a profile get: those with a link that their rules match, each NIC once. Links without a bond
 * need exactly one. The NIC that booted belongs to the first link, because the permanent network is on its cable.
 */
export function assignNics(profile: NetworkProfile, cables: readonly Cable[], booted: Mac): Assignment {
  const links: AssignedLink[] = [];
  const taken = new Set<Mac>();
  for (const [index, link] of profile.links.entries()) {
    const found = cables.filter((cable) => !taken.has(cable.mac) && isOf(link, cable, booted));
    // A link of one NIC that booted needs no rule that tells it from the others.
    const ours = found.filter(({ mac }) => mac === booted);
    const nics =
      index === 0 && link.bond === undefined ? ours : [...ours, ...found.filter((one) => !ours.includes(one))];
    const fault = whyUnfit(link, nics, { isFirst: index === 0, hasBooted: ours.length > 0 });
    if (fault !== undefined)
      return {
        kind: "unassigned",
        reason: `profile ${profile.name}, link ${link.name}: ${fault}; found ${listed(cables)}`,
      };
    for (const { mac } of nics) taken.add(mac);
    links.push({ link, nics: nics.map(({ name, mac }) => ({ name, mac })) });
  }
  return { kind: "assigned", links };
}

function whyUnfit(
  { bond, nics: rule }: LinkProfile,
  nics: readonly Cable[],
  { isFirst, hasBooted }: { readonly isFirst: boolean; readonly hasBooted: boolean },
): string | undefined {
  if (isFirst && !hasBooted) return `expected the NIC that booted to match ${describeRule(rule)}`;
  const least = bond?.least ?? 1;
  if (nics.length < least)
    return `expected at least ${least} ${least === 1 ? "NIC" : "NICs"} with a link and ${describeRule(rule)}, found ${nics.length}`;
  if (bond === undefined && nics.length > 1)
    return `expected one NIC with ${describeRule(rule)}, found ${nics.map(({ name }) => name).join(", ")}`;
  return undefined;
}

function isOf({ nics: rule }: LinkProfile, cable: Cable, booted: Mac): boolean {
  if (rule === undefined) return cable.mac === booted;
  if (!cable.carrier && cable.mac !== booted) return false;
  if (rule.minMbps !== undefined && cable.speedMbps < rule.minMbps) return false;
  if (!matches(rule.name, cable.name) || !matches(rule.driver, cable.driver)) return false;
  if (rule.switch === undefined && rule.port === undefined) return true;
  return cable.neighbours.some(({ switchName, port }) => matches(rule.switch, switchName) && matches(rule.port, port));
}

function matches(source: string | undefined, text: string): boolean {
  if (source === undefined) return true;
  const pattern = readPattern(source);
  return pattern.kind === "pattern" && pattern.expression.test(text);
}

function describeRule(rule: NicRule | undefined): string {
  if (rule === undefined) return "the MAC that booted";
  const parts = Object.entries(rule).map(([key, value]) => `${key} ${value}`);
  return parts.length === 0 ? "any properties" : parts.join(", ");
}

/** NICs in words: what their rules ask. */
function listed(cables: readonly Cable[]): string {
  const texts = cables.slice(0, listedLimit).map(({ name, mac, driver, speedMbps, carrier, neighbours }) => {
    const heard = neighbours.map(({ switchName, port }) => `${switchName} ${port}`).slice(0, 2);
    const link = carrier ? `${speedMbps === 0 ? "speed unknown" : `${speedMbps} Mb/s`}` : "no link";
    return [`${name} (${mac}, ${driver}, ${link}`, ...heard].join(", ").concat(")");
  });
  return texts.length === 0 ? "no NIC" : texts.join("; ");
}

/** A reason stands on the console and on the record. */
const listedLimit = 8;
