import type { Mac } from "../core/net/mac.ts";
import { chanceFrom, seedOf } from "./engine/chance.ts";
import { isMachineFault, type MachineFaultKind, machineFaultKinds, machineFaults } from "./faults.ts";
import { layCable } from "./network/wires.ts";
import type { Scenario } from "./scenario.ts";
import type { Chassis } from "./world.ts";

/** The n-th MAC address; locally administered (IEEE 802, bit 1 of the first octet). */
function macOf(nth: number): Mac {
  const digits = (0x020000000001 + nth).toString(16).padStart(12, "0");
  return (digits.match(/../g) ?? []).join(":") as Mac;
}

/** All machines of a scenario, without power, with the faults that it names and those that chance gives. */
export function buildMachines(scenario: Scenario, nurseries: readonly string[]): readonly Chassis[] {
  const { racks, machines: perRack, parameters, seed, slotOf } = scenario;
  const faults = faultsOf(scenario);
  return Array.from({ length: racks * perRack }, (_, nth) => {
    const [rack, unit] = [Math.floor(nth / perRack), (nth % perRack) + 1];
    const fault = faults.get(nth);
    const other = neighbourOf(nth, perRack);
    // One cable fewer or one more: who is swapped with it, and whose MAC address it has, is hit as well.
    const hit = [nth, other].find((one) => faults.get(one) === "swappedCables");
    const plugged = hit === undefined || other === nth ? nth : other;
    const place = { rack: rack + 1, unit: (plugged % perRack) + 1 };
    const slot = slotOf(place);
    const isShared = faults.get(other) === "duplicateMac";
    return {
      ...{ nth, rack, unit, fault, faultCount: 0, serves: undefined, connection: undefined, transcript: [] },
      cable: layCable(parameters.machineLink),
      mac: macOf(fault === "duplicateMac" ? other : nth),
      network: nurseries[rack % nurseries.length] ?? "",
      neighbour: { switchName: slot.switchName, port: fault === "wrongPort" ? "mgmt0" : slot.port },
      serial: String(nth + 1),
      chance: chanceFrom(seedOf(seed, nth + 1)),
      isAwaited: (fault === undefined || machineFaults[fault].recovers) && !isShared,
    };
  });
}

/** Machines are neighbours in pairs; the last of an odd number has none but itself. */
function neighbourOf(nth: number, perRack: number): number {
  const unit = nth % perRack;
  if (unit % 2 === 1) return nth - 1;
  return unit + 1 < perRack ? nth + 1 : nth;
}

function faultsOf({
  racks,
  machines: perRack,
  failShare,
  seed,
  faults,
}: Scenario): ReadonlyMap<number, MachineFaultKind> {
  const chance = chanceFrom(seedOf(seed, 0));
  const found = new Map<number, MachineFaultKind>();
  for (let nth = 0; nth < racks * perRack; nth += 1) {
    if (!chance.happens(failShare)) continue;
    const kind = machineFaultKinds[Math.floor(chance.next() * machineFaultKinds.length)];
    if (kind !== undefined) found.set(nth, kind);
  }
  for (const fault of faults.filter(isMachineFault)) found.set((fault.rack - 1) * perRack + fault.unit - 1, fault.kind);
  return found;
}
