import { addressAt } from "../host-network/address-template.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import { readPattern } from "./pattern.ts";
import type { Counting, Neighbour, PlacementResult, PlacementRule, PortFields } from "./placement.ts";
import { fillTemplate } from "./template.ts";

/** One label of a host name (RFC 1123 §2.1), as long as Linux takes it. */
const hostLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The slot, hostname and address of a machine by the first rule that matches its LLDP neighbour; or why there is none. */
export function placeMachine(
  rules: readonly PlacementRule[],
  neighbour: Neighbour,
  isTried: (rule: PlacementRule) => boolean = isAboutLldp,
): PlacementResult {
  const cable = describeNeighbour(neighbour);
  if (rules.length === 0) return unplaced(`there are no placement rules: expected one that matches ${cable}`);
  for (const [index, rule] of rules.entries()) {
    if (!isTried(rule)) continue;
    const match = matchRule(rule, neighbour);
    if (match.kind === "none") continue;
    if (match.kind === "invalid") return unplaced(`placement rule ${index + 1}: ${match.reason}`);
    if (match.kind === "contradiction")
      return conflict(
        `placement rule ${index + 1}, ${cable}: expected one port, found port id ${quoted(neighbour.portId)} and ` +
          `port description ${quoted(neighbour.portDescription)}: correct the description on the switch, or name the ` +
          "field that counts in a rule before this one (portId, portDescription)",
      );
    const { position } = match;
    const hostname = fillTemplate(rule.hostname, position).toLowerCase();
    if (!hostLabel.test(hostname)) {
      return unplaced(
        `placement rule ${index + 1}, ${cable}: expected a hostname of letters, digits and hyphens, found ${quoted(hostname)}`,
      );
    }
    const address = addressBy(rule, position);
    if (typeof address === "string") return unplaced(`placement rule ${index + 1}, ${cable}: ${address}`);
    const ipv6 = rule.ipv6 && addressAt(rule.ipv6, position);
    if (ipv6?.kind === "none") return unplaced(`placement rule ${index + 1}, ${cable}: ipv6: ${ipv6.reason}`);
    return {
      kind: "placed",
      placement: {
        switchName: neighbour.switchName,
        port: neighbour.port,
        position,
        hostname,
        address,
        ...(ipv6 === undefined ? {} : { ipv6: ipv6.text }),
        ...(rule.profile === undefined ? {} : { profile: rule.profile }),
        lldp: portFields(neighbour),
      },
    };
  }
  const tried = rules.filter(isTried).length;
  const none = tried === 1 ? "the only placement rule does not match" : `none of the ${tried} placement rules matches`;
  return unplaced(`${none} ${cable}`);
}

const isAboutLldp = ({ source = "lldp" }: PlacementRule) => source === "lldp";

/**
 * The place of a machine that hears several neighbours, such as its own BMC or another host: that of the neighbour which a rule
 * matches. Rules that give different places are a conflict, and without a match the reason names every neighbour.
 */
export function placeAmong(
  rules: readonly PlacementRule[],
  neighbours: readonly Neighbour[],
  isTried: (rule: PlacementRule) => boolean = isAboutLldp,
): PlacementResult {
  const results = neighbours.map((neighbour) => placeMachine(rules, neighbour, isTried));
  const contradiction = results.find((result) => result.kind === "unplaced" && result.conflict === true);
  if (contradiction !== undefined) return contradiction;
  const placed = results.flatMap((result) => (result.kind === "placed" ? [result] : []));
  const [first, ...others] = placed;
  if (first === undefined)
    return unplaced(results.map((result) => (result.kind === "unplaced" ? result.reason : "")).join("; "));
  if (others.every(({ placement }) => placement.hostname === first.placement.hostname)) return first;
  const names = placed.map(
    ({ placement }) => `${placement.hostname} (switch ${quoted(placement.switchName)} port ${quoted(placement.port)})`,
  );
  return conflict(`expected neighbours that give one place, found ${names.join(", ")}`);
}

/** A neighbour in words, for logs and reasons; with the fields that its port's name does not tell. */
export function describeNeighbour({ switchName, port, portIdKind, portId, portDescription }: Neighbour): string {
  const id = portId === port ? [] : [`port id ${quoted(portId)} of subtype ${portIdKind}`];
  const description =
    portDescription === "" || portDescription === port ? [] : [`described ${quoted(portDescription)}`];
  const more = [...id, ...description];
  const fields = more.length === 0 ? "" : ` (${more.join(", ")})`;
  return `switch ${quoted(switchName)} port ${quoted(port)}${fields}`;
}

function portFields({ portIdKind, portId, portDescription }: Neighbour): PortFields {
  return { portIdKind, portId, portDescription };
}

type Position = { readonly [group: string]: string };

type RuleMatch =
  | { readonly kind: "match"; readonly position: Position }
  | { readonly kind: "none" }
  /** Port id and description both look like the port, and the rule would give different places. */
  | { readonly kind: "contradiction" }
  | { readonly kind: "invalid"; readonly reason: string };

/** Whether a rule matches, by all fields that it names. */
function matchRule(rule: PlacementRule, neighbour: Neighbour): RuleMatch {
  if (rule.portIdKind !== undefined && rule.portIdKind !== neighbour.portIdKind) return { kind: "none" };
  const named = matchTexts(rule, [
    ["switch", neighbour.switchName],
    ["portId", neighbour.portId],
    ["portDescription", neighbour.portDescription],
  ]);
  if (named.kind !== "match" || rule.port === undefined) return named;
  const usual = matchTexts(rule, [["port", neighbour.port]]);
  const { otherPort } = neighbour;
  // A rule that names a field has decided between them.
  const decided = rule.portId !== undefined || rule.portDescription !== undefined;
  const other = otherPort === undefined || decided ? none : matchTexts(rule, [["port", otherPort.text]]);
  if (usual.kind === "invalid") return usual;
  if (other.kind === "match" && usual.kind === "none" && otherPort?.agrees !== true) return { kind: "contradiction" };
  if (other.kind === "match" && usual.kind === "match" && !isSame(usual.position, other.position))
    return { kind: "contradiction" };
  const found = usual.kind === "match" ? usual : other;
  return found.kind === "match" ? { kind: "match", position: { ...named.position, ...found.position } } : found;
}

const none: RuleMatch = { kind: "none" };

/** Matches the patterns that a rule has for these fields; a field without a pattern may have any text. */
function matchTexts(
  rule: PlacementRule,
  texts: readonly (readonly ["switch" | "port" | "portId" | "portDescription", string])[],
): RuleMatch {
  const position: { [group: string]: string } = {};
  for (const [name, text] of texts) {
    const source = rule[name];
    if (source === undefined) continue;
    const pattern = readPattern(source);
    if (pattern.kind === "broken") return { kind: "invalid", reason: `invalid ${name} pattern: ${pattern.reason}` };
    const match = pattern.expression.exec(text);
    if (match === null) return none;
    for (const group of pattern.groups) {
      const value = match.groups?.[group];
      if (value === undefined) continue;
      const counted = countedBy(rule.counting?.[group], value);
      if (counted === undefined) return none;
      position[group] = counted;
    }
  }
  return { kind: "match", position };
}

/** The number of a group by the rule's counting; undefined if the switch does not count so, as with a lane of a split port. */
function countedBy(counting: Counting | undefined, text: string): string | undefined {
  if (counting === undefined) return text;
  const steps = (Number(text) - counting.first) / counting.every;
  return /^\d{1,9}$/.test(text) && Number.isInteger(steps) && steps >= 0 ? String(steps + 1) : undefined;
}

function isSame(one: Position, other: Position): boolean {
  return [...Object.keys(one), ...Object.keys(other)].every((group) => one[group] === other[group]);
}

function addressBy(rule: PlacementRule, position: Position): Ipv4 | string {
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

function conflict(reason: string): PlacementResult {
  return { kind: "unplaced", reason, conflict: true };
}
