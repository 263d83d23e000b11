import type { Ownership } from "../../core/fleet/blast-radius.ts";
import { boardTexts } from "../../core/machine/evidence.ts";
import type { SwitchPort } from "../../core/machine/heard-place.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { type Ipv4, parseIpv4 } from "../../core/net/ipv4.ts";
import { type Mac, parseMac } from "../../core/net/mac.ts";
import { SplitMap } from "../split-map.ts";
import { AddressCounts } from "./address-counts.ts";
import { OwnershipIndex } from "./ownership-index.ts";

/** All machines in memory, found by any of their names. */
export type FleetIndex = {
  readonly get: (id: MachineId) => Machine | undefined;
  readonly byMac: (mac: Mac) => Machine | undefined;
  readonly byName: (hostname: string) => Machine | undefined;
  readonly byAddress: (address: Ipv4) => Machine | undefined;
  /** The machine whose order has a token with this hash. */
  readonly byOrderToken: (tokenHash: string) => Machine | undefined;
  /** The number of permanent and temporary addresses from `first` to `last`, without going through them. */
  readonly countAddresses: (first: Ipv4, last: Ipv4) => number;
  /** The record that announces a machine for a switch port. */
  readonly announcedAt: (switchPort: SwitchPort) => Machine | undefined;
  /** The number of machines whose board has this serial number or UUID (`boardTexts`). */
  readonly machinesWith: (boardText: string) => number;
  readonly find: (text: string) => Machine | undefined;
  /** All machines: the same array each time, which keeps changing. Copy it before waiting. */
  readonly list: () => readonly Machine[];
  readonly ownership: () => Ownership;
  readonly put: (machine: Machine) => void;
  readonly remove: (id: MachineId) => void;
};

/** The newest record of a machine, and its index in the list. All names of the machine lead here. */
type Entry = { machine: Machine; place: number };

/** The entries of a fleet by id, and their machines as one array. */
class EntryList {
  readonly byId = new SplitMap<MachineId, Entry>();
  // Rebuilding the list of 100,000 machines for each change would cost a millisecond.
  readonly machines: Machine[] = [];

  add(machine: Machine): Entry {
    const entry = { machine, place: this.machines.push(machine) - 1 };
    this.byId.set(machine.id, entry);
    return entry;
  }

  replace(entry: Entry, machine: Machine): void {
    entry.machine = machine;
    this.machines[entry.place] = machine;
  }

  /** The last machine of the array takes the free place. */
  remove({ machine: { id }, place }: Entry): void {
    this.byId.delete(id);
    const last = this.machines.pop();
    if (last === undefined || last.id === id) return;
    this.machines[place] = last;
    const moved = this.byId.get(last.id);
    if (moved !== undefined) moved.place = place;
  }
}

/** An index of these machines. */
export function indexFleet(machines: readonly Machine[]): FleetIndex {
  const entries = new EntryList();
  const { byId } = entries;
  const names = new NameIndex();
  const ownership = new OwnershipIndex();

  const remove = (id: MachineId) => {
    const entry = byId.get(id);
    if (entry === undefined) return;
    names.remove(namesOf(entry.machine), entry);
    ownership.change(entry.machine, undefined);
    entries.remove(entry);
  };
  const put = (machine: Machine) => {
    const entry = byId.get(machine.id);
    if (entry === undefined) {
      ownership.change(undefined, machine);
      names.add(namesOf(machine), entries.add(machine));
      return;
    }
    const before = entry.machine;
    entries.replace(entry, machine);
    ownership.change(before, machine);
    // Most changes leave all names unchanged.
    if (isFoundAs(before, machine)) return;
    names.remove(namesOf(before), entry);
    names.add(namesOf(machine), entry);
  };
  for (const machine of machines) put(machine);

  const byAddress = (address: Ipv4) => names.byAddress.get(address)?.machine;
  const byName = (hostname: string) => names.byName.get(hostname.toLowerCase())?.machine;
  const byMac = (mac: Mac) => names.byMac.get(mac)?.machine;
  return {
    get: (id) => byId.get(id)?.machine,
    byMac,
    byName,
    byAddress,
    countAddresses: (first, last) => names.addressCounts.countIn(first, last),
    announcedAt: (switchPort) => names.bySwitchPort.get(keyOfSwitchPort(switchPort))?.machine,
    machinesWith: (boardText) => names.boards.get(boardText) ?? 0,
    find: (text) => {
      const direct = byId.get(text as MachineId)?.machine ?? byName(text);
      if (direct !== undefined) return direct;
      const address = parseIpv4(text);
      if (address !== undefined) return byAddress(address);
      const mac = parseMac(text);
      return mac === undefined ? undefined : byMac(mac);
    },
    byOrderToken: (tokenHash) => names.byOrderToken.get(tokenHash)?.machine,
    list: () => entries.machines,
    ownership: () => ownership,
    put,
    remove,
  };
}

/** One map per kind of name: each packet looks up several, and none has to build a combined key. */
class NameIndex {
  readonly byMac = new SplitMap<Mac, Entry>();
  readonly byName = new SplitMap<string, Entry>();
  readonly byAddress = new SplitMap<Ipv4, Entry>();
  readonly bySwitchPort = new SplitMap<string, Entry>();
  readonly byOrderToken = new SplitMap<string, Entry>();
  readonly addressCounts = new AddressCounts();
  /** How many machines have the serial number or UUID of a board. */
  readonly boards = new SplitMap<string, number>();

  add({ macs, hostname, addresses, switchPort, tokenHash, boards }: Names, entry: Entry): void {
    for (const text of boards) this.boards.set(text, (this.boards.get(text) ?? 0) + 1);
    for (const mac of macs) this.byMac.set(mac, entry);
    if (hostname !== undefined) this.byName.set(hostname, entry);
    for (const address of addresses) {
      this.byAddress.set(address, entry);
      this.addressCounts.add(address);
    }
    if (switchPort !== undefined) this.bySwitchPort.set(switchPort, entry);
    if (tokenHash !== undefined) this.byOrderToken.set(tokenHash, entry);
  }

  remove({ macs, hostname, addresses, switchPort, tokenHash, boards }: Names, entry: Entry): void {
    for (const text of boards) {
      const left = (this.boards.get(text) ?? 0) - 1;
      if (left > 0) this.boards.set(text, left);
      else this.boards.delete(text);
    }
    for (const mac of macs) forget(this.byMac, mac, entry);
    if (hostname !== undefined) forget(this.byName, hostname, entry);
    for (const address of addresses) {
      forget(this.byAddress, address, entry);
      if (!this.byAddress.has(address)) this.addressCounts.remove(address);
    }
    if (switchPort !== undefined) forget(this.bySwitchPort, switchPort, entry);
    if (tokenHash !== undefined) forget(this.byOrderToken, tokenHash, entry);
  }
}

/** Removes a name, unless it already leads to another machine. */
function forget<Name extends string | number>(names: SplitMap<Name, Entry>, name: Name, entry: Entry): void {
  if (names.get(name) === entry) names.delete(name);
}

/** Whether two records of a machine have the same names: records share unchanged facts. */
function isFoundAs(before: Machine, after: Machine): boolean {
  return (
    before.macs === after.macs &&
    before.hostname === after.hostname &&
    before.permanentAddress === after.permanentAddress &&
    before.temporaryAddress === after.temporaryAddress &&
    before.announced === after.announced &&
    before.order === after.order &&
    before.smbios === after.smbios
  );
}

/** The names of a record, besides its id. */
type Names = {
  readonly macs: readonly Mac[];
  readonly hostname: string | undefined;
  readonly addresses: readonly Ipv4[];
  readonly switchPort: string | undefined;
  readonly tokenHash: string | undefined;
  readonly boards: readonly string[];
};

function namesOf(machine: Machine): Names {
  const { macs, hostname, permanentAddress, temporaryAddress, announced, order } = machine;
  return {
    macs,
    hostname: hostname?.toLowerCase(),
    addresses: [permanentAddress, temporaryAddress].filter((address) => address !== undefined),
    switchPort: announced?.place && keyOfSwitchPort(announced.place),
    tokenHash: order?.tokenHash,
    boards: boardTexts(machine),
  };
}

function keyOfSwitchPort({ switchName, port }: SwitchPort): string {
  return `${switchName}\n${port}`;
}
