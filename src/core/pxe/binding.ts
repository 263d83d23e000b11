import type { Asking } from "../dhcp/client-message.ts";
import {
  type AddressPool,
  chooseAddress,
  type Holder,
  poolContains,
  poolSize,
  type RecordedIn,
} from "../dhcp/pool/address-pool.ts";
import { isDisputed } from "../machine/life/move.ts";
import type { Machine } from "../machine/record.ts";
import type { MachineState } from "../machine/state.ts";
import { type Ipv4, prefixContains } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import { type Binding, type Network, permanentBinding, permanentPart, temporaryBinding } from "../network/network.ts";
import type { UnreadableRecord } from "../ports.ts";

/** The kind of address that a machine gets in each state (source document, "The MDB"). */
const addressOfState: { readonly [State in MachineState]: "temporary" | "permanent" } = {
  unknown: "temporary",
  birth: "temporary",
  healthy: "permanent",
  rebirth: "permanent",
  clean: "permanent",
};

export type BindingChoice =
  | { readonly kind: "bound"; readonly binding: Binding; readonly temporary: boolean }
  | { readonly kind: "poolExhausted"; readonly size: number };

/**
 * The single address of a machine through all stages of a boot. A machine that is due for its permanent address but has
 * none, or one that is outside this network or declined, gets a temporary address, because it must be reachable.
 * The preference follows RFC 2131 §4.3.1: its current address, the requested address, any address of the pool.
 */
export function chooseBinding(given: {
  readonly network: Network;
  readonly mac: Mac;
  readonly machine: Machine | undefined;
  readonly holderOf: (address: Ipv4) => Holder | undefined;
  readonly message: Asking;
  readonly recordedIn?: RecordedIn;
  readonly poolFull?: boolean;
  readonly unreadable?: UnreadableRecord;
}): BindingChoice {
  const { network, mac, machine, holderOf, message, unreadable } = given;
  // RFC 2131 §4.3.5: a client that sends INFORM has an address from elsewhere; it is neither checked nor recorded.
  if (message.kind === "inform")
    return { kind: "bound", binding: bindingOf(network, message.address), temporary: false };
  const isDeclined = (address: Ipv4) => holderOf(address)?.kind === "declined";
  // A request from a disputed NIC gets the address of neither machine.
  const known = machine === undefined || isDisputed(machine, mac) ? undefined : machine;
  const permanent =
    known === undefined ? permanentAt(unreadable?.permanentAddress, network) : permanentOf(known, network);
  if (permanent !== undefined && !isDeclined(permanent.address))
    return { kind: "bound", binding: permanent, temporary: false };
  const recorded = recordedTemporary(known ?? unreadable, network.temporaryPool);
  if (recorded !== undefined && !isDeclined(recorded))
    return { kind: "bound", binding: temporaryBinding(network, recorded), temporary: true };
  if (given.poolFull) return { kind: "poolExhausted", size: poolSize(network.temporaryPool) };
  const search = given.recordedIn === undefined ? {} : { recordedIn: given.recordedIn };
  const choice = chooseAddress(network.temporaryPool, { mac, holderOf, wanted: wantedBy(message), ...search });
  if (choice.kind === "exhausted") return { kind: "poolExhausted", size: choice.size };
  return { kind: "bound", binding: temporaryBinding(network, choice.address), temporary: true };
}

function wantedBy(message: Asking): Ipv4 | undefined {
  return message.kind === "inform" ? undefined : message.address;
}

/** An address that the client already has, with the parameters of its part of the network. */
function bindingOf(network: Network, address: Ipv4): Binding {
  return prefixContains(permanentPart(network).prefix, address)
    ? permanentBinding(network, address)
    : temporaryBinding(network, address);
}

/** The binding of a known machine by its record; undefined if an address must be chosen first. */
export function recordedBinding(machine: Machine, network: Network): Binding | undefined {
  const permanent = permanentOf(machine, network);
  if (permanent !== undefined) return permanent;
  const temporary = recordedTemporary(machine, network.temporaryPool);
  return temporary === undefined ? undefined : temporaryBinding(network, temporary);
}

function permanentOf(machine: Machine, network: Network): Binding | undefined {
  return addressOfState[machine.state] === "permanent" ? permanentAt(machine.permanentAddress, network) : undefined;
}

function permanentAt(address: Ipv4 | undefined, network: Network): Binding | undefined {
  const { prefix, vlan } = permanentPart(network);
  // Firmware asks without a tag: in another VLAN than its address it would reach nobody.
  if (address === undefined || vlan !== undefined || !prefixContains(prefix, address)) return undefined;
  return permanentBinding(network, address);
}

function recordedTemporary(
  machine: Pick<Machine, "temporaryAddress"> | undefined,
  pool: AddressPool,
): Ipv4 | undefined {
  const address = machine?.temporaryAddress;
  return address !== undefined && poolContains(pool, address) ? address : undefined;
}
