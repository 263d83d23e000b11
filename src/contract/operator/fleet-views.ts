/** The views of the fleet as a whole. */
import type { Cause } from "../../core/fleet/causes.ts";
import type { FleetColumns, FleetRow } from "../../core/fleet/columns.ts";
import type { FleetSummary } from "../../core/fleet/summary.ts";
import type { ImportProgress } from "../../core/image/import-progress.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { PlannedSlot } from "../../core/site/site-plan.ts";
import type { ChangeView, NetworkView } from "./views.ts";

/** A cause, and what to do about it; `NAME` in it is one of its machines. */
export type CauseView = Cause & { readonly next: string };

/** A network as far as births depend on it. */
export type NetworkBrief = Pick<NetworkView, "name" | "mode" | "notServed" | "pool">;

/** The fleet and its server at a glance: what to look at first on a bad night. */
export type SummaryView = FleetSummary & {
  /** Failures by reason and place, those of most machines first. */
  readonly causes: readonly CauseView[];
  readonly networks: readonly NetworkBrief[];
  readonly server: {
    readonly version: string;
    readonly startedAtMs: number;
    /** What births need of this server and do not have. */
    readonly faults: readonly { readonly name: string; readonly fault: string; readonly next: string }[];
  };
  /** Imports of system images that run, as this server last heard. */
  readonly imports: readonly ImportProgress[];
  /** Machines whose record cannot be read: they are in no other number. */
  readonly unreadable: number;
};

/** The fleet as columns, as of a position of the feed: what changes after it is on the feed of rows. */
export type FleetView = FleetColumns & { readonly position: number };

/** Machines that changed since the rows before: each once, as it is now. */
export type FleetRowsView = {
  readonly position: number;
  readonly rows: readonly FleetRow[];
  /** Ids of records that are gone. */
  readonly gone: readonly string[];
  /** All imports of system images that run, if one of them progressed or ended. */
  readonly imports?: readonly ImportProgress[];
};

/** Changes of many machines, oldest first. */
export type FleetEventsView = {
  readonly events: readonly ChangeView[];
  /** The changes after this position are the next page; absent if there were none yet. */
  readonly continue?: number;
  /** Older changes are no longer kept: what is asked for begins before the first of them. */
  readonly incomplete?: true;
};

/** An expected slot; without a place, why it has none. */
export type SlotView = {
  readonly rack: string;
  readonly unit: string;
  readonly switch: string;
  readonly port: string;
  readonly hostname?: string;
  readonly address?: string;
  readonly fault?: string;
};

/** The slots that the configuration expects. */
export type PlanView = { readonly slots: readonly SlotView[] };

/** Makes the view of a slot. Rack and unit are those that a machine there has. */
export function viewSlot({ rack, unit, switchName, port, placement, fault }: PlannedSlot): SlotView {
  const position = placement?.position;
  return {
    ...{ rack: position?.rack ?? String(rack), unit: position?.unit ?? String(unit), switch: switchName, port },
    ...(placement === undefined ? {} : { hostname: placement.hostname, address: formatIpv4(placement.address) }),
    ...(fault === undefined ? {} : { fault }),
  };
}
