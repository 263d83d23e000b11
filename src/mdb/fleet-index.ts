import type { Machine, MachineId, Spot } from "../core/machine/record.ts";
import { type Mac, parseMac } from "../core/net/mac.ts";

/** All machines in memory, found by whatever names them. */
export type FleetIndex = {
  readonly get: (id: MachineId) => Machine | undefined;
  readonly byMac: (mac: Mac) => Machine | undefined;
  readonly byName: (hostname: string) => Machine | undefined;
  readonly byAddress: (address: string) => Machine | undefined;
  /** The record that announces what is to come to a switch port. */
  readonly announcedAt: (spot: Spot) => Machine | undefined;
  readonly find: (text: string) => Machine | undefined;
  /** All of them as they are: the same array each time, which goes on changing. Whoever waits in between takes a copy. */
  readonly list: () => readonly Machine[];
  readonly put: (machine: Machine) => void;
  readonly remove: (id: MachineId) => void;
};

/** An index of these machines. */
export function indexFleet(machines: readonly Machine[]): FleetIndex {
  const byId = new Map<MachineId, Machine>();
  const holders = new Map<string, MachineId>();
  // Made anew for each change, the list of 100,000 machines would cost a millisecond each time.
  const listed: Machine[] = [];
  const places = new Map<MachineId, number>();

  const holder = (key: string) => {
    const id = holders.get(key);
    return id === undefined ? undefined : byId.get(id);
  };
  const remove = (id: MachineId) => {
    const machine = byId.get(id);
    if (machine === undefined) return;
    for (const key of keysOf(machine)) if (holders.get(key) === id) holders.delete(key);
    byId.delete(id);
    const place = places.get(id) ?? 0;
    places.delete(id);
    const last = listed.pop();
    if (last === undefined || last.id === id) return;
    listed[place] = last;
    places.set(last.id, place);
  };
  const put = (machine: Machine) => {
    const before = byId.get(machine.id);
    byId.set(machine.id, machine);
    const place = places.get(machine.id);
    if (place === undefined) places.set(machine.id, listed.push(machine) - 1);
    else listed[place] = machine;
    // Most changes leave all names as they were.
    if (before !== undefined && isFoundAs(before, machine)) return;
    const kept = new Set(keysOf(machine));
    if (before !== undefined) {
      for (const key of keysOf(before)) if (!kept.has(key) && holders.get(key) === machine.id) holders.delete(key);
    }
    for (const key of kept) holders.set(key, machine.id);
  };
  for (const machine of machines) put(machine);

  return {
    get: (id) => byId.get(id),
    byMac: (mac) => holder(`mac ${mac}`),
    byName: (hostname) => holder(`name ${hostname.toLowerCase()}`),
    byAddress: (address) => holder(`address ${address}`),
    announcedAt: (spot) => holder(keyOfSpot(spot)),
    find: (text) => {
      const mac = parseMac(text);
      const direct = byId.get(text as MachineId) ?? holder(`name ${text.toLowerCase()}`) ?? holder(`address ${text}`);
      return direct ?? (mac === undefined ? undefined : holder(`mac ${mac}`));
    },
    list: () => listed,
    put,
    remove,
  };
}

/** Whether two records of a machine have the same keys: records share what did not change. */
function isFoundAs(before: Machine, after: Machine): boolean {
  return (
    before.macs === after.macs &&
    before.hostname === after.hostname &&
    before.permanentAddress === after.permanentAddress &&
    before.temporaryAddress === after.temporaryAddress &&
    before.announced === after.announced
  );
}

function keysOf(machine: Machine): string[] {
  const keys = machine.macs.map((mac) => `mac ${mac}`);
  if (machine.hostname !== undefined) keys.push(`name ${machine.hostname.toLowerCase()}`);
  for (const address of [machine.permanentAddress, machine.temporaryAddress]) {
    if (address !== undefined) keys.push(`address ${address}`);
  }
  if (machine.announced?.place !== undefined) keys.push(keyOfSpot(machine.announced.place));
  return keys;
}

function keyOfSpot({ switchName, port }: Spot): string {
  return `spot ${switchName}\n${port}`;
}
