import { type AddressPool, chooseAddress, type Holder, poolContains } from "../dhcp/address-pool.ts";
import type { Machine, MachineState } from "../machine/record.ts";
import { type Ipv4, parseIpv4, prefixContains } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import { type Binding, type Network, permanentBinding, permanentPart, temporaryBinding } from "./network.ts";

/** Which address a machine gets in each state (source document, "The MDB"; DESIGN table of states). */
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
 * The one address that a machine gets through all stages of a boot. A machine that is to have its permanent address but
 * has none, or one that does not belong to this wire, gets a temporary one: it must be reachable to be helped.
 */
export function chooseBinding(asked: {
  readonly network: Network;
  readonly mac: Mac;
  readonly machine: Machine | undefined;
  readonly holderOf: (address: Ipv4) => Holder | undefined;
}): BindingChoice {
  const { network, mac, machine, holderOf } = asked;
  const permanent = machine === undefined ? undefined : permanentOf(machine, network);
  if (permanent !== undefined) return { kind: "bound", binding: permanent, temporary: false };
  const recorded = recordedTemporary(machine, network.temporaryPool);
  if (recorded !== undefined && holderOf(recorded)?.kind !== "declined")
    return { kind: "bound", binding: temporaryBinding(network, recorded), temporary: true };
  const choice = chooseAddress(network.temporaryPool, mac, holderOf);
  if (choice.kind === "exhausted") return { kind: "poolExhausted", size: choice.size };
  return { kind: "bound", binding: temporaryBinding(network, choice.address), temporary: true };
}

/** The binding that a known machine's record already tells; undefined where an address would have to be chosen first. */
export function recordedBinding(machine: Machine, network: Network): Binding | undefined {
  const permanent = permanentOf(machine, network);
  if (permanent !== undefined) return permanent;
  const temporary = recordedTemporary(machine, network.temporaryPool);
  return temporary === undefined ? undefined : temporaryBinding(network, temporary);
}

function permanentOf(machine: Machine, network: Network): Binding | undefined {
  if (addressOfState[machine.state] !== "permanent" || machine.permanentAddress === undefined) return undefined;
  const address = parseIpv4(machine.permanentAddress);
  if (address === undefined || !prefixContains(permanentPart(network).prefix, address)) return undefined;
  return permanentBinding(network, address);
}

function recordedTemporary(machine: Machine | undefined, pool: AddressPool): Ipv4 | undefined {
  const address = machine?.temporaryAddress === undefined ? undefined : parseIpv4(machine.temporaryAddress);
  return address !== undefined && poolContains(pool, address) ? address : undefined;
}
