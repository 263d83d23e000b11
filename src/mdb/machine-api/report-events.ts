import type { ReportItem } from "../../contract/machine-facing.ts";
import type { MachineEvent } from "../../core/machine/event.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { parseMac } from "../../core/net/mac.ts";
import type { Network } from "../../core/network/network.ts";

/** What a thing that init tells means in the machine's life. NICs whose address is none are left out. */
export function eventsOf(
  id: MachineId,
  item: Exclude<ReportItem, { kind: "log" }>,
  { freshRack }: Pick<Network, "freshRack">,
): MachineEvent[] {
  switch (item.kind) {
    case "phase": {
      const { kind: _kind, ...seen } = item;
      return [{ kind: "phaseSeen", id, ...seen }];
    }
    case "hardware": {
      const nics = item.hardware.nics.flatMap((nic) => {
        const mac = parseMac(nic.mac);
        return mac === undefined ? [] : [{ ...nic, mac }];
      });
      return [
        { kind: "hardwareScanned", id, hardware: { ...item.hardware, nics }, ...(freshRack ? { freshRack } : {}) },
      ];
    }
    case "burnIn":
      return [{ kind: "burnInDone", id, report: item.report }];
    case "placed":
      return [{ ...item, id }];
    case "failed":
      return [{ kind: "failed", id, step: item.step, reason: item.reason }];
  }
}
