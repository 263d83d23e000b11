import type { RootDiskRule } from "../hardware/root-disk-rules.ts";
import type { ImageRule } from "./image-rule.ts";
import { readPattern } from "./pattern.ts";
import type { PlacementRule } from "./placement.ts";
import { templateGroups } from "./template.ts";

/** A fault in a rule that can be seen without a machine: dotted path inside the list, what was expected, what was found. */
export type RuleProblem = { readonly path: string; readonly expected: string; readonly found: string };

/** The groups of a rule's patterns, in order; those of an invalid pattern are missing. */
export function groupsOfRule(rule: PlacementRule): readonly string[] {
  return patternKeys.flatMap((name) => {
    const pattern = rule[name] === undefined ? undefined : readPattern(rule[name]);
    return pattern?.kind === "pattern" ? pattern.groups : [];
  });
}

const patternKeys = ["switch", "port", "portId", "portDescription"] as const;

/** All faults in placement rules that can be seen without a machine. */
export function checkPlacementRules(rules: readonly PlacementRule[]): readonly RuleProblem[] {
  return rules.flatMap((rule, index) => {
    const problems: RuleProblem[] = [];
    const groups: string[] = [];
    if (rule.port === undefined && rule.portId === undefined && rule.portDescription === undefined)
      problems.push({
        path: `${index}.port`,
        found: "a rule without port, portId and portDescription",
        expected: "at least one of them",
      });
    for (const name of patternKeys) {
      const source = rule[name];
      if (source === undefined) continue;
      const pattern = readPattern(source);
      if (pattern.kind === "broken") {
        problems.push({
          path: `${index}.${name}`,
          found: source,
          expected: `a regular expression (${pattern.reason})`,
        });
        continue;
      }
      for (const group of pattern.groups) {
        if (groups.includes(group)) {
          problems.push({
            path: `${index}.${name}`,
            found: `(?<${group}>…)`,
            expected: "a group name that no other pattern of the rule uses",
          });
        }
        groups.push(group);
      }
    }
    if (problems.length > 0) return problems;

    const known =
      groups.length === 0
        ? "the name of a group in switch or port, such as (?<rack>\\d+)"
        : `one of the groups ${groups.join(", ")}`;
    const wanted: readonly (readonly [path: string, group: string])[] = [
      ...templateGroups(rule.hostname).map((group) => [`${index}.hostname`, group] as const),
      ...Object.keys(rule.counting ?? {}).map((group) => [`${index}.counting.${group}`, group] as const),
      ...Object.keys(rule.address.step).map((group) => [`${index}.address.step.${group}`, group] as const),
      ...Object.keys(rule.ipv6?.step ?? {}).map((group) => [`${index}.ipv6.step.${group}`, group] as const),
    ];
    for (const [path, group] of wanted) {
      if (!groups.includes(group)) problems.push({ path, found: group, expected: known });
    }
    const bare = rule.hostname.replace(/\{[^{}:]*(:\d{1,2})?\}/g, "");
    if (!/^[A-Za-z0-9-]*$/.test(bare) || rule.hostname === "") {
      problems.push({
        path: `${index}.hostname`,
        found: rule.hostname,
        expected: "letters, digits, hyphens and fields such as {rack} or {rack:2}",
      });
    }
    return problems;
  });
}

/** All faults in image rules that can be seen without a machine, such as a rule after one that always matches. */
export function checkImageRules(rules: readonly ImageRule[]): readonly RuleProblem[] {
  const always = rules.findIndex((rule) => Object.keys(rule.when).length === 0);
  return rules.flatMap((rule, index) => {
    const problems: RuleProblem[] = [];
    const product = rule.when.product;
    const pattern = product === undefined ? undefined : readPattern(product);
    if (product !== undefined && pattern?.kind === "broken") {
      problems.push({
        path: `${index}.when.product`,
        found: product,
        expected: `a regular expression (${pattern.reason})`,
      });
    }
    if (always >= 0 && index > always) {
      problems.push({
        path: `${index}`,
        found: `a rule for image ${rule.image} after rule ${always + 1}, which matches every machine`,
        expected: "the rule without conditions at the end of the list",
      });
    }
    return problems;
  });
}

/** All faults in rules for the root disk that can be seen without a machine. */
export function checkRootDiskRules(rules: readonly RootDiskRule[]): readonly RuleProblem[] {
  const always = rules.findIndex((rule) => Object.keys(rule).length === 0);
  return rules.flatMap((rule, index) => {
    const problems: RuleProblem[] = [];
    for (const name of ["model", "serial", "wwn", "path"] as const) {
      const source = rule[name];
      const pattern = source === undefined ? undefined : readPattern(source);
      if (source === undefined || pattern?.kind !== "broken") continue;
      problems.push({ path: `${index}.${name}`, found: source, expected: `a regular expression (${pattern.reason})` });
    }
    const { minSizeGiB, maxSizeGiB } = rule;
    if (minSizeGiB !== undefined && maxSizeGiB !== undefined && minSizeGiB > maxSizeGiB)
      problems.push({
        path: `${index}.maxSizeGiB`,
        found: String(maxSizeGiB),
        expected: `at least minSizeGiB, ${minSizeGiB}`,
      });
    if (always >= 0 && index > always)
      problems.push({
        path: `${index}`,
        found: `a rule after rule ${always + 1}, which takes any disk`,
        expected: "the rule without conditions at the end of the list",
      });
    return problems;
  });
}
