import type { ReportItem } from "../../contract/machine/report.ts";
import type { MachineEvent, OfOrder } from "../../core/machine/event.ts";
import type { HeardPlace } from "../../core/machine/heard-place.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Network } from "../../core/network/network.ts";
import { placeAmong } from "../../core/site/place.ts";
import type { Neighbour, PlacementRule } from "../../core/site/placement.ts";

/** Who reports: the machine, the order that its session belongs to, and its network. */
export type Reporter = {
  readonly id: MachineId;
  readonly order: NonNullable<OfOrder["order"]>;
  readonly network: Pick<Network, "freshRack">;
  readonly placementRules: readonly PlacementRule[];
};

/** The event of the machine's life cycle that an item of init's report means. */
export function eventOf(
  item: Exclude<ReportItem, { kind: "log" } | { kind: "progress" } | { kind: "erasure" }>,
  { id, order, network, placementRules }: Reporter,
): MachineEvent {
  switch (item.kind) {
    case "phase":
      return { ...item, kind: "phaseSeen", id, order };
    case "hardware": {
      const { freshRack } = network;
      return { ...item, kind: "hardwareScanned", id, order, ...(freshRack ? { freshRack } : {}) };
    }
    case "burnIn":
      return { kind: "burnInDone", id, order, report: item.report };
    case "neighbours":
      return { ...item, kind: "neighboursSeen", id, order, heard: heardPlace(placementRules, item.neighbours) };
    case "placed":
    case "failed":
      return { ...item, id, order };
  }
}

/** Where neighbours say that a machine is, by the rules as the server has them now. */
function heardPlace(rules: readonly PlacementRule[], neighbours: readonly Neighbour[]): HeardPlace {
  const result = placeAmong(rules, neighbours);
  if (result.kind === "unplaced") return { kind: "unplaced", reason: result.reason.slice(0, reasonLimit) };
  const { switchName, port, position } = result.placement;
  return { kind: "placed", switchName, port, position };
}

/** Sixteen neighbours with long names make a long reason. */
const reasonLimit = 2000;
