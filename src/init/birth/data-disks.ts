import { withAddressText } from "../../contract/address-text.ts";
import { describeDisk, identityOf } from "../../core/hardware/disk-identity.ts";
import type { Disk } from "../../core/hardware/hardware.ts";
import { chooseDataDisks, type DataDisk } from "../../core/install/data-disks.ts";
import type { LayoutProfile } from "../../core/install/layout-profile.ts";
import { chooseMirrorDisk } from "../../core/install/mirror.ts";
import type { InstallInput } from "../../core/install/plan.ts";
import type { Placement } from "../../core/site/placement.ts";
import type { BirthContext } from "./birth-context.ts";
import type { Inspection } from "./inspect.ts";
import { requestSeconds } from "./mdb.ts";
import { stop } from "./stop.ts";
import type { TakenOrder } from "./take-order.ts";

/** What becomes of the other disks. */
export type DataDisks = Pick<InstallInput, "profile" | "data" | "former" | "mirror" | "formerMirror">;

/**
 * Chooses the disks that the layout takes for the root's mirror and for data, and tells the MDB before the first of them is written to: after a power cut, they are
 * known to be this machine's. Only reads.
 */
export function findDataDisks(
  { runStep, console }: BirthContext,
  taken: TakenOrder,
  found: {
    readonly inspection: Inspection;
    readonly placement: Placement;
    readonly profile: LayoutProfile | undefined;
  },
): DataDisks {
  const { inspection, placement, profile } = found;
  const { session } = taken;
  const { data, former, mirror, formerMirror } = runStep("chooseDataDisks", 10, () =>
    chooseOtherDisks(taken, inspection, profile),
  );
  if (mirror !== undefined)
    console.log("info", "second disk of the mirror", { path: mirror.path, disk: describeDisk(mirror) });
  for (const each of data)
    console.log("info", "data disk", { path: each.disk.path, disk: describeDisk(each.disk), mount: each.mountPoint });
  const disks = [...(mirror === undefined ? [] : [mirror]), ...data.map(({ disk }) => disk)];
  if (disks.length > 0) reportDisks(disks);
  return {
    ...(profile === undefined ? {} : { profile }),
    ...{ data, former },
    ...(mirror === undefined ? {} : { mirror }),
    ...(formerMirror === undefined ? {} : { formerMirror }),
  };

  function reportDisks(chosen: readonly Disk[]): void {
    runStep("reportDataDisks", requestSeconds, () =>
      session.report([
        {
          ...{ kind: "placed", placement: withAddressText(placement), rootDisk: identityOf(inspection.disk) },
          dataDisks: chosen.map(identityOf),
        },
      ]),
    );
  }
}

/** The disks beside the root disk; stops if the layout does not find those that it needs. */
function chooseOtherDisks(
  { order, firmware }: TakenOrder,
  { disk: rootDisk, hardware: { disks } }: Inspection,
  profile: LayoutProfile | undefined,
): {
  readonly data: readonly DataDisk[];
  readonly former: readonly Disk[];
  readonly mirror: Disk | undefined;
  readonly formerMirror: Disk | undefined;
} {
  const { dataDisks = [], mirrorDisk, knownDisks, allowedDisk, action, erase } = order;
  const given = {
    ...{ profile, knownDisks, disks, rootDisk },
    // What the operator has seen, and wants to be erased, may be taken.
    recorded: [...dataDisks, ...(erase?.disks ?? [])],
    mayErase: action === "birth" && allowedDisk !== undefined && allowedDisk.selector === undefined,
  };
  const mirror = chooseMirrorDisk({ ...given, firmware, policy: order.storage, mirrorDisk });
  if (mirror.kind === "refused") throw stop(mirror.reason);
  const chosen = chooseDataDisks({ ...given, mirrorDisk: mirror.disk });
  if (chosen.kind === "refused") throw stop(chosen.reason);
  const isData = ({ path }: Disk) => chosen.data.some(({ disk }) => disk.path === path);
  const formerMirror = mirror.former !== undefined && isData(mirror.former) ? undefined : mirror.former;
  const former = chosen.former.filter(({ path }) => path !== formerMirror?.path);
  return { data: chosen.data, former, mirror: mirror.disk, formerMirror };
}
