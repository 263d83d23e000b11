import { parseIpv4 } from "../net/ipv4.ts";
import type { ImageRule } from "./image-rule.ts";
import { readPattern } from "./pattern.ts";
import type { PlacementRule } from "./placement.ts";
import { templateGroups } from "./template.ts";

/** What is wrong with a rule before any machine has come: where (dotted path inside the list), what stands there, what should. */
export type RuleProblem = { readonly path: string; readonly found: string; readonly meant: string };

/** Everything in placement rules that can never work. */
export function checkPlacementRules(rules: readonly PlacementRule[]): readonly RuleProblem[] {
  return rules.flatMap((rule, index) => {
    const problems: RuleProblem[] = [];
    const groups: string[] = [];
    for (const name of ["switch", "port"] as const) {
      const pattern = readPattern(rule[name]);
      if (pattern.kind === "broken") {
        problems.push({
          path: `${index}.${name}`,
          found: rule[name],
          meant: `a regular expression (${pattern.reason})`,
        });
        continue;
      }
      for (const group of pattern.groups) {
        if (groups.includes(group)) {
          problems.push({
            path: `${index}.${name}`,
            found: `(?<${group}>…)`,
            meant: "a group name that switch does not use already",
          });
        }
        groups.push(group);
      }
    }
    if (problems.length > 0) return problems;

    const known =
      groups.length === 0 ? "a named group, e.g. (?<rack>\\d+), in switch or port" : `one of ${groups.join(", ")}`;
    const wanted: readonly (readonly [path: string, group: string])[] = [
      ...templateGroups(rule.hostname).map((group) => [`${index}.hostname`, group] as const),
      ...Object.keys(rule.address.step).map((group) => [`${index}.address.step.${group}`, group] as const),
    ];
    for (const [path, group] of wanted) {
      if (!groups.includes(group)) problems.push({ path, found: group, meant: known });
    }
    const bare = rule.hostname.replace(/\{[^{}:]*(:\d{1,2})?\}/g, "");
    if (!/^[A-Za-z0-9-]*$/.test(bare) || rule.hostname === "") {
      problems.push({
        path: `${index}.hostname`,
        found: rule.hostname,
        meant: "letters, digits, hyphens and fields like {rack} or {rack:2}",
      });
    }
    if (parseIpv4(rule.address.first) === undefined) {
      problems.push({
        path: `${index}.address.first`,
        found: rule.address.first,
        meant: "an IPv4 address, e.g. 10.77.1.0",
      });
    }
    return problems;
  });
}

/** Everything in image rules that can never work, such as a rule behind one that always holds. */
export function checkImageRules(rules: readonly ImageRule[]): readonly RuleProblem[] {
  const always = rules.findIndex((rule) => Object.keys(rule.when ?? {}).length === 0);
  return rules.flatMap((rule, index) => {
    const problems: RuleProblem[] = [];
    const product = rule.when?.product;
    const pattern = product === undefined ? undefined : readPattern(product);
    if (product !== undefined && pattern?.kind === "broken") {
      problems.push({
        path: `${index}.when.product`,
        found: product,
        meant: `a regular expression (${pattern.reason})`,
      });
    }
    if (always >= 0 && index > always) {
      problems.push({
        path: `${index}`,
        found: `image ${rule.image} behind rule ${always + 1}, which always holds`,
        meant: "the rule without conditions last",
      });
    }
    return problems;
  });
}
