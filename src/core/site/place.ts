import { formatIpv4, type Ipv4, parseIpv4 } from "../net/ipv4.ts";
import { readPattern } from "./pattern.ts";
import type { Neighbour, PlacementResult, PlacementRule } from "./placement.ts";
import { fillTemplate } from "./template.ts";

/** One label of a host name (RFC 1123 §2.1), as long as Linux takes it. */
const hostLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The place, name and address of a machine from what LLDP said, by the first rule that matches; or why there is none. */
export function placeMachine(rules: readonly PlacementRule[], neighbour: Neighbour): PlacementResult {
  const cable = `switch ${quoted(neighbour.switchName)} port ${quoted(neighbour.port)}`;
  if (rules.length === 0) return unplaced(`there are no placement rules, so ${cable} is no known place`);
  for (const [index, rule] of rules.entries()) {
    const position = positionBy(rule, neighbour);
    if (typeof position === "string") return unplaced(`placement rule ${index + 1}: ${position}`);
    if (position === undefined) continue;
    const hostname = fillTemplate(rule.hostname, position).toLowerCase();
    if (!hostLabel.test(hostname)) {
      return unplaced(
        `placement rule ${index + 1} makes the hostname ${quoted(hostname)} of ${cable}, which is not one`,
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
        address: formatIpv4(address),
      },
    };
  }
  return unplaced(`none of the ${rules.length} placement rules matches ${cable}`);
}

/** The rule's groups, undefined where it does not match, or in words why it cannot work. */
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
    if (pattern.kind === "broken") return `its ${name} pattern is broken: ${pattern.reason}`;
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
  const first = parseIpv4(rule.address.first);
  if (first === undefined) return `its first address ${quoted(rule.address.first)} is none`;
  let value: number = first;
  for (const [group, step] of Object.entries(rule.address.step)) {
    const text = position[group];
    if (text === undefined) return `the address needs the group ${quoted(group)}, which did not match anything`;
    if (!/^\d{1,9}$/.test(text)) return `the address needs a number as ${quoted(group)}, not ${quoted(text)}`;
    value += Number(text) * step;
  }
  if (value < 0 || value > 0xffffffff) return `the computed address lies outside IPv4`;
  return value as Ipv4;
}

function quoted(text: string): string {
  return `"${text}"`;
}

function unplaced(reason: string): PlacementResult {
  return { kind: "unplaced", reason };
}
