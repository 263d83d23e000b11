import { withAddressText } from "../../contract/address-text.ts";
import { describeDisk, identityOf } from "../../core/hardware/disk-identity.ts";
import { chooseDataDisks, type DataDisk } from "../../core/install/data-disks.ts";
import type { LayoutProfile } from "../../core/install/layout-profile.ts";
import type { InstallInput } from "../../core/install/plan.ts";
import type { Placement } from "../../core/site/placement.ts";
import type { BirthContext } from "./birth-context.ts";
import type { Inspection } from "./inspect.ts";
import { requestSeconds } from "./mdb.ts";
import { stop } from "./stop.ts";
import type { TakenOrder } from "./take-order.ts";

/** What becomes of the other disks. */
export type DataDisks = Pick<InstallInput, "profile" | "data" | "former">;

/**
 * Chooses the disks that the layout takes for data, and tells the MDB before the first of them is written to: after a power cut, they are
 * known to be this machine's. Only reads.
 */
export function findDataDisks(
  { runStep, console }: BirthContext,
  { order, session }: TakenOrder,
  found: {
    readonly inspection: Inspection;
    readonly placement: Placement;
    readonly profile: LayoutProfile | undefined;
  },
): DataDisks {
  const { inspection, placement, profile } = found;
  const choice = runStep("chooseDataDisks", 10, () => {
    const { dataDisks = [], knownDisks, allowedDisk, action, erase } = order;
    // What the operator has seen, and wants to be erased, may be taken.
    const recorded = [...dataDisks, ...(erase?.disks ?? [])];
    const chosen = chooseDataDisks({
      ...{ profile, recorded, knownDisks, disks: inspection.hardware.disks, rootDisk: inspection.disk },
      mayErase: action === "birth" && allowedDisk !== undefined && allowedDisk.selector === undefined,
    });
    if (chosen.kind === "refused") throw stop(chosen.reason);
    return chosen;
  });
  const { data, former } = choice;
  for (const each of data)
    console.log("info", "data disk", { path: each.disk.path, disk: describeDisk(each.disk), mount: each.mountPoint });
  if (data.length > 0) reportDisks(data);
  return { ...(profile === undefined ? {} : { profile }), data, former };

  function reportDisks(taken: readonly DataDisk[]): void {
    runStep("reportDataDisks", requestSeconds, () =>
      session.report([
        {
          ...{ kind: "placed", placement: withAddressText(placement), rootDisk: identityOf(inspection.disk) },
          dataDisks: taken.map(({ disk }) => identityOf(disk)),
        },
      ]),
    );
  }
}
