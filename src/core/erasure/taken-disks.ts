import type { OrderAnswer } from "../birth/order-answer.ts";
import { describeDisk, findRecorded, isSameDisk } from "../hardware/disk-identity.ts";
import type { Disk } from "../hardware/hardware.ts";
import { whyNotFixed } from "../hardware/suitable-disk.ts";

/** The disks beside the root disk that a clean erases, as the machine has them now. */
export type TakenDisks =
  | { readonly kind: "taken"; readonly disks: readonly Disk[] }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Finds the disks that the operator saw when he asked. Only these are taken: one that came later is left alone, and one that is
 * missing is named, because its data went somewhere.
 */
export function takenDisks(
  { erase, knownDisks }: Pick<OrderAnswer, "erase" | "knownDisks">,
  now: readonly Disk[],
  root: Disk,
): TakenDisks {
  const disks: Disk[] = [];
  for (const wanted of erase?.disks ?? []) {
    if (isSameDisk(wanted, root)) continue;
    const search = findRecorded(now, wanted, knownDisks);
    if (search.kind !== "found") return refused(wanted, `it is ${search.kind}`);
    const notFixed = whyNotFixed(search.disk);
    if (notFixed !== undefined) return refused(wanted, `it is ${notFixed}`);
    if (search.disk !== root && !disks.includes(search.disk)) disks.push(search.disk);
  }
  return { kind: "taken", disks };
}

function refused(wanted: Parameters<typeof describeDisk>[0], why: string): TakenDisks {
  const reason = `the disk ${describeDisk(wanted)}, which is to be erased: ${why}; nothing was erased`;
  return {
    kind: "refused",
    reason: `${reason}. To erase the disks of its latest scan: birther clean NAME --restart --all-disks`,
  };
}
