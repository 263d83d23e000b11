import type { BurnInReport, Hardware } from "../hardware/hardware.ts";
import type { ImageRule } from "./image-rule.ts";
import { readPattern } from "./pattern.ts";

export type ImageChoice =
  | { readonly kind: "chosen"; readonly image: string; readonly why: string }
  | { readonly kind: "none"; readonly reason: string };

type Wish = NonNullable<ImageRule["when"]>;

/** One test a condition: whether a machine fulfils what the rule wishes. */
const conditions: {
  readonly [Name in keyof Wish]-?: (
    wished: NonNullable<Wish[Name]>,
    hardware: Hardware,
    burnIn: BurnInReport["verdict"],
  ) => boolean;
} = {
  // A skipped burn-in counts as passed: it is skipped for machines that are known to be well (clean).
  burnIn: (wished, _, outcome) => (outcome === "failed") === (wished === "failed"),
  minCpus: (wished, hardware) => hardware.cpus >= wished,
  minMemoryMiB: (wished, hardware) => hardware.memoryMiB >= wished,
  minStorageGiB: (wished, hardware) => storageGiB(hardware) >= wished,
  minDisks: (wished, hardware) => fixedDisks(hardware).length >= wished,
  firmware: (wished, hardware) => hardware.firmware === wished,
  product: (wished, hardware) => {
    const pattern = readPattern(wished);
    return pattern.kind === "pattern" && pattern.expression.test(hardware.smbios.product);
  },
};

/** The names of all conditions a rule may have. */
export const conditionNames = Object.keys(conditions) as readonly (keyof Wish)[];

/** The image of the first rule whose every condition holds, and why it was that one. */
export function chooseImage(
  rules: readonly ImageRule[],
  hardware: Hardware,
  burnIn: BurnInReport["verdict"],
): ImageChoice {
  for (const [index, rule] of rules.entries()) {
    const wishes = rule.when ?? {};
    const named = conditionNames.filter((name) => wishes[name] !== undefined);
    const holds = named.every((name) => {
      const test = conditions[name] as (
        wished: unknown,
        hardware: Hardware,
        outcome: BurnInReport["verdict"],
      ) => boolean;
      return test(wishes[name], hardware, burnIn);
    });
    if (!holds) continue;
    const because = named.map((name) => `${name} ${wishes[name]}`).join(", ");
    return { kind: "chosen", image: rule.image, why: `image rule ${index + 1}${because === "" ? "" : `: ${because}`}` };
  }
  const facts = `${hardware.cpus} CPUs, ${hardware.memoryMiB} MiB memory, ${Math.floor(storageGiB(hardware))} GiB storage`;
  return { kind: "none", reason: `none of the ${rules.length} image rules holds for ${facts}, burn-in ${burnIn}` };
}

function fixedDisks(hardware: Hardware) {
  return hardware.disks.filter((disk) => !disk.removable);
}

function storageGiB(hardware: Hardware): number {
  return fixedDisks(hardware).reduce((sum, disk) => sum + disk.sizeBytes, 0) / 2 ** 30;
}
