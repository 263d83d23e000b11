import type { Hardware } from "../hardware/hardware.ts";
import { isFixed } from "../hardware/suitable-disk.ts";
import { defaultArchitecture, type MachineArchitecture } from "../machine/architecture.ts";
import type { BurnInOutcome, ImageRule } from "./image-rule.ts";
import { readPattern } from "./pattern.ts";

export type ImageChoice =
  | { readonly kind: "chosen"; readonly image: string; readonly layout?: string; readonly why: string }
  | { readonly kind: "none"; readonly reason: string };

type Conditions = ImageRule["when"];

/** One test per condition: whether a machine meets the value in the rule. */
const conditions: {
  readonly [Name in keyof Conditions]-?: (
    wanted: NonNullable<Conditions[Name]>,
    hardware: Hardware,
    burnIn: BurnInOutcome,
  ) => boolean;
} = {
  // A skipped burn-in counts as passed: a clean skips it because the machine was healthy before. So does a suspect one.
  burnIn: (wanted, _, outcome) => (wanted === "passed" ? outcome !== "failed" : outcome === wanted),
  minCpus: (wanted, hardware) => hardware.cpus >= wanted,
  minMemoryMiB: (wanted, hardware) => hardware.memoryMiB >= wanted,
  minStorageGiB: (wanted, hardware) => storageGiB(hardware) >= wanted,
  minDisks: (wanted, hardware) => fixedDisks(hardware).length >= wanted,
  firmware: (wanted, hardware) => hardware.firmware === wanted,
  architecture: (wanted, hardware) => wanted === architectureIn(hardware),
  product: (wanted, hardware) => {
    const pattern = readPattern(wanted);
    return pattern.kind === "pattern" && pattern.expression.test(hardware.smbios.product);
  },
};

/** The names of all conditions that a rule may have. */
export const conditionNames = Object.keys(conditions) as readonly (keyof Conditions)[];

/** The image of the first rule whose conditions all hold, with the conditions that decided; or why no rule matches. */
export function chooseImage(rules: readonly ImageRule[], hardware: Hardware, burnIn: BurnInOutcome): ImageChoice {
  for (const [index, rule] of rules.entries()) {
    const wanted = rule.when;
    const named = conditionNames.filter((name) => wanted[name] !== undefined);
    const holds = named.every((name) => {
      const test = conditions[name] as (wanted: unknown, hardware: Hardware, outcome: BurnInOutcome) => boolean;
      return test(wanted[name], hardware, burnIn);
    });
    if (!holds) continue;
    const because = named.map((name) => `${name} ${wanted[name]}`).join(", ");
    const why = `image rule ${index + 1}${because === "" ? "" : `: ${because}`}`;
    return { kind: "chosen", image: rule.image, ...(rule.layout === undefined ? {} : { layout: rule.layout }), why };
  }
  const own = architectureIn(hardware);
  const foreign = rules.flatMap(({ image, when: { architecture = own } }) =>
    architecture === own ? [] : [`; ${image} is for ${architecture}`],
  );
  const facts = `${own}, ${hardware.cpus} CPUs, ${hardware.memoryMiB} MiB memory, ${Math.floor(storageGiB(hardware))} GiB storage, burn-in ${burnIn}`;
  return {
    kind: "none",
    reason: `${rules.length === 1 ? "the only image rule does not match" : `none of the ${rules.length} image rules matches`} this machine: ${facts}${[...new Set(foreign)].join("")}`,
  };
}

function architectureIn({ architecture }: Hardware): MachineArchitecture {
  return architecture ?? defaultArchitecture;
}

function fixedDisks(hardware: Hardware) {
  return hardware.disks.filter(isFixed);
}

function storageGiB(hardware: Hardware): number {
  return fixedDisks(hardware).reduce((sum, disk) => sum + disk.sizeBytes, 0) / 2 ** 30;
}
