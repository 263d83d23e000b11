import type { Ipv4 } from "../net/ipv4.ts";
import { readPattern } from "./pattern.ts";
import type { Neighbour, PlacementResult, PlacementRule } from "./placement.ts";
import { fillTemplate } from "./template.ts";

/** One label of a host name (RFC 1123 §2.1), as long as Linux takes it. */
const hostLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The slot, hostname and address of a machine by the first rule that matches its LLDP neighbour; or why there is none. */
export function placeMachine(rules: readonly PlacementRule[], neighbour: Neighbour): PlacementResult {
  const cable = `switch ${quoted(neighbour.switchName)} port ${quoted(neighbour.port)}`;
  if (rules.length === 0) return unplaced(`there are no placement rules: expected one that matches ${cable}`);
  for (const [index, rule] of rules.entries()) {
    const position = positionBy(rule, neighbour);
    if (typeof position === "string") return unplaced(`placement rule ${index + 1}: ${position}`);
    if (position === undefined) continue;
    const hostname = fillTemplate(rule.hostname, position).toLowerCase();
    if (!hostLabel.test(hostname)) {
      return unplaced(
        `placement rule ${index + 1}, ${cable}: expected a hostname of letters, digits and hyphens, found ${quoted(hostname)}`,
      );
    }
    const address = addressBy(rule, position);
    if (typeof address === "string") return unplaced(`placement rule ${index + 1}, ${cable}: ${address}`);
    return {
      kind: "placed",
      placement: {
        switchName: neighbour.switchName,
        port: neighbour.port,
        position,
        hostname,
        address,
      },
    };
  }
  return unplaced(`none of the ${rules.length} placement rules matches ${cable}`);
}

/**
 * The place of a machine that hears several neighbours, such as its own BMC or another host: that of the neighbour which a rule
 * matches. Rules that give different places are a conflict, and without a match the reason names every neighbour.
 */
export function placeAmong(rules: readonly PlacementRule[], neighbours: readonly Neighbour[]): PlacementResult {
  const results = neighbours.map((neighbour) => placeMachine(rules, neighbour));
  const placed = results.flatMap((result) => (result.kind === "placed" ? [result] : []));
  const [first, ...others] = placed;
  if (first === undefined)
    return unplaced(results.map((result) => (result.kind === "unplaced" ? result.reason : "")).join("; "));
  if (others.every(({ placement }) => placement.hostname === first.placement.hostname)) return first;
  const names = placed.map(
    ({ placement }) => `${placement.hostname} (switch ${quoted(placement.switchName)} port ${quoted(placement.port)})`,
  );
  return unplaced(`expected neighbours that give one place, found ${names.join(", ")}`);
}

/** The values of the rule's groups; undefined if it does not match; or a text that says why the rule is invalid. */
function positionBy(
  rule: PlacementRule,
  neighbour: Neighbour,
): { readonly [group: string]: string } | undefined | string {
  const position: { [group: string]: string } = {};
  for (const [name, source, text] of [
    ["switch", rule.switch, neighbour.switchName],
    ["port", rule.port, neighbour.port],
  ] as const) {
    const pattern = readPattern(source);
    if (pattern.kind === "broken") return `invalid ${name} pattern: ${pattern.reason}`;
    const match = pattern.expression.exec(text);
    if (match === null) return undefined;
    for (const group of pattern.groups) {
      const value = match.groups?.[group];
      if (value !== undefined) position[group] = value;
    }
  }
  return position;
}

function addressBy(rule: PlacementRule, position: { readonly [group: string]: string }): Ipv4 | string {
  let value: number = rule.address.first;
  for (const [group, step] of Object.entries(rule.address.step)) {
    const text = position[group];
    if (text === undefined) return `address.step: the group ${quoted(group)} matched nothing`;
    if (!/^\d{1,9}$/.test(text))
      return `address.step: expected a number in the group ${quoted(group)}, found ${quoted(text)}`;
    value += Number(text) * step;
  }
  if (value < 0 || value > 0xffffffff) return `the computed address is outside the IPv4 address space`;
  return value as Ipv4;
}

function quoted(text: string): string {
  return `"${text}"`;
}

function unplaced(reason: string): PlacementResult {
  return { kind: "unplaced", reason };
}
