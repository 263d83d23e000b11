import { counted } from "../../bytes/counted.ts";
import { nameOf } from "../../machine/life/move.ts";
import type { Machine } from "../../machine/record.ts";
import { type ImageStream, imageOf } from "../stream/image-stream.ts";

/** Machines that have to do with an image: how many, and the first of them by name. */
export type UsingMachines = { readonly count: number; readonly first: readonly string[] };

/** Who uses an image. */
export type ImageUse = {
  /** It is the current version of its stream, or tried by a machine. */
  readonly inStream?: "current" | "previous" | "tried";
  /** Rules of the site give it to newborns by its exact name. */
  readonly inRules?: true;
  /** Machines that require it, or whose operators plan or force it. */
  readonly requiredBy: UsingMachines;
  readonly runBy: UsingMachines;
};

/** Names of machines that an answer names. */
const maxNamed = 10;

/** An image that no machine uses. */
export const unused: ImageUse = { requiredBy: { count: 0, first: [] }, runBy: { count: 0, first: [] } };

/** The use with one more machine. */
export function withUser(use: ImageUse, machine: Machine, image: string): ImageUse {
  const { requiredImage, runningImage, plannedImage, forcedImage } = machine;
  return {
    ...use,
    requiredBy: [requiredImage, plannedImage, forcedImage].includes(image)
      ? withName(use.requiredBy, nameOf(machine))
      : use.requiredBy,
    runBy: runningImage === image ? withName(use.runBy, nameOf(machine)) : use.runBy,
  };
}

function withName({ count, first }: UsingMachines, name: string): UsingMachines {
  return { count: count + 1, first: [...first, name].sort().slice(0, maxNamed) };
}

/** What an image is to its stream. */
export function useInStream(held: ImageStream | undefined, version: number): Pick<ImageUse, "inStream"> {
  if (held === undefined) return {};
  if (held.current === version) return { inStream: "current" };
  if (held.promotion?.version === version) return { inStream: "tried" };
  return held.previous === version ? { inStream: "previous" } : {};
}

/** Why an image must not be removed; undefined if nothing needs it. */
export function whyNotRemovable(image: string, use: ImageUse, held: ImageStream | undefined): string | undefined {
  const { inStream, inRules, requiredBy, runBy } = use;
  if (inStream === "current") return `${image} is the current version of its stream, which newborn machines get`;
  if (inStream === "tried" && held !== undefined)
    return `${image} is being promoted; ${imageOf(held, held.current)} is current`;
  if (inRules === true) return `${image} is named by the image rules of the configuration`;
  if (requiredBy.count > 0) return `${image} is required by ${machinesText(requiredBy)}`;
  return runBy.count > 0 ? `${image} is run by ${machinesText(runBy)}` : undefined;
}

/** Machines that use an image, the first of them by name: `2 machines: a, b`. */
export function machinesText({ count, first }: UsingMachines): string {
  if (count === 0) return "no machine";
  return `${counted(count, "machine")}: ${first.join(", ")}${count > first.length ? ", …" : ""}`;
}
