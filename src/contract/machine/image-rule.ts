import * as v from "valibot";
import { machineArchitectures } from "../../core/machine/architecture.ts";
import { burnInWishes, type ImageRule } from "../../core/site/image-rule.ts";
import { count, text } from "../bounded-values.ts";
import { pinned } from "../same.ts";

/** The conditions of an image rule. */
export const imageConditions = v.object({
  burnIn: v.exactOptional(v.picklist(burnInWishes)),
  minCpus: v.exactOptional(count),
  minMemoryMiB: v.exactOptional(count),
  minStorageGiB: v.exactOptional(count),
  minDisks: v.exactOptional(count),
  firmware: v.exactOptional(v.picklist(["bios", "uefi"])),
  architecture: v.exactOptional(v.picklist(machineArchitectures)),
  product: v.exactOptional(text),
});

/** core/site/image-rule.ts */
export const imageRule = v.object({
  image: text,
  layout: v.exactOptional(text),
  when: v.optional(imageConditions, {}),
});

pinned<ImageRule>()(imageRule);
