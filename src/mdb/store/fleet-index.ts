import type { Machine, MachineId, SwitchPort } from "../../core/machine/record.ts";
import { type Ipv4, parseIpv4 } from "../../core/net/ipv4.ts";
import { type Mac, parseMac } from "../../core/net/mac.ts";

/** All machines in memory, found by any of their names. */
export type FleetIndex = {
  readonly get: (id: MachineId) => Machine | undefined;
  readonly byMac: (mac: Mac) => Machine | undefined;
  readonly byName: (hostname: string) => Machine | undefined;
  readonly byAddress: (address: Ipv4) => Machine | undefined;
  /** The record that announces a machine for a switch port. */
  readonly announcedAt: (switchPort: SwitchPort) => Machine | undefined;
  readonly find: (text: string) => Machine | undefined;
  /** All machines: the same array each time, which keeps changing. Copy it before waiting. */
  readonly list: () => readonly Machine[];
  readonly put: (machine: Machine) => void;
  readonly remove: (id: MachineId) => void;
};

/** The newest record of a machine, and its index in the list. All names of the machine lead here. */
type Entry = { machine: Machine; place: number };

/** An index of these machines. */
export function indexFleet(machines: readonly Machine[]): FleetIndex {
  const byId = new Map<MachineId, Entry>();
  // One map per kind of name: each packet looks up several, and none has to build a combined key.
  const byMac = new Map<Mac, Entry>();
  const byName = new Map<string, Entry>();
  const byAddress = new Map<Ipv4, Entry>();
  const bySwitchPort = new Map<string, Entry>();
  // Rebuilding the list of 100,000 machines for each change would cost a millisecond.
  const listed: Machine[] = [];

  const lead = ({ macs, hostname, addresses, switchPort }: Names, entry: Entry) => {
    for (const mac of macs) byMac.set(mac, entry);
    if (hostname !== undefined) byName.set(hostname, entry);
    for (const address of addresses) byAddress.set(address, entry);
    if (switchPort !== undefined) bySwitchPort.set(switchPort, entry);
  };
  const lose = ({ macs, hostname, addresses, switchPort }: Names, entry: Entry) => {
    for (const mac of macs) forget(byMac, mac, entry);
    if (hostname !== undefined) forget(byName, hostname, entry);
    for (const address of addresses) forget(byAddress, address, entry);
    if (switchPort !== undefined) forget(bySwitchPort, switchPort, entry);
  };
  const remove = (id: MachineId) => {
    const entry = byId.get(id);
    if (entry === undefined) return;
    lose(namesOf(entry.machine), entry);
    byId.delete(id);
    const last = listed.pop();
    if (last === undefined || last.id === id) return;
    listed[entry.place] = last;
    const moved = byId.get(last.id);
    if (moved !== undefined) moved.place = entry.place;
  };
  const put = (machine: Machine) => {
    const entry = byId.get(machine.id);
    if (entry === undefined) {
      const added = { machine, place: listed.push(machine) - 1 };
      byId.set(machine.id, added);
      lead(namesOf(machine), added);
      return;
    }
    const before = entry.machine;
    entry.machine = machine;
    listed[entry.place] = machine;
    // Most changes leave all names unchanged.
    if (isFoundAs(before, machine)) return;
    lose(namesOf(before), entry);
    lead(namesOf(machine), entry);
  };
  for (const machine of machines) put(machine);

  const atAddress = (address: Ipv4) => byAddress.get(address)?.machine;
  const named = (hostname: string) => byName.get(hostname.toLowerCase())?.machine;
  return {
    get: (id) => byId.get(id)?.machine,
    byMac: (mac) => byMac.get(mac)?.machine,
    byName: named,
    byAddress: atAddress,
    announcedAt: (switchPort) => bySwitchPort.get(keyOfSwitchPort(switchPort))?.machine,
    find: (text) => {
      const direct = byId.get(text as MachineId)?.machine ?? named(text);
      if (direct !== undefined) return direct;
      const address = parseIpv4(text);
      if (address !== undefined) return atAddress(address);
      const mac = parseMac(text);
      return mac === undefined ? undefined : byMac.get(mac)?.machine;
    },
    list: () => listed,
    put,
    remove,
  };
}

/** Removes a name, unless it already leads to another machine. */
function forget<Name>(names: Map<Name, Entry>, name: Name, entry: Entry): void {
  if (names.get(name) === entry) names.delete(name);
}

/** Whether two records of a machine have the same names: records share unchanged facts. */
function isFoundAs(before: Machine, after: Machine): boolean {
  return (
    before.macs === after.macs &&
    before.hostname === after.hostname &&
    before.permanentAddress === after.permanentAddress &&
    before.temporaryAddress === after.temporaryAddress &&
    before.announced === after.announced
  );
}

/** The names of a record, besides its id. */
type Names = {
  readonly macs: readonly Mac[];
  readonly hostname: string | undefined;
  readonly addresses: readonly Ipv4[];
  readonly switchPort: string | undefined;
};

function namesOf({ macs, hostname, permanentAddress, temporaryAddress, announced }: Machine): Names {
  return {
    macs,
    hostname: hostname?.toLowerCase(),
    addresses: [permanentAddress, temporaryAddress].flatMap((text = "") => parseIpv4(text) ?? []),
    switchPort: announced?.place && keyOfSwitchPort(announced.place),
  };
}

function keyOfSwitchPort({ switchName, port }: SwitchPort): string {
  return `${switchName}\n${port}`;
}
