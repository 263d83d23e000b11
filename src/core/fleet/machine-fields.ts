import { locationOf } from "../machine/location.ts";
import { conditionKinds, type Machine, machineStates, phases } from "../machine/record.ts";
import { parseSelector, type Requirement, type SelectorResult } from "./selector.ts";

/** What of a machine can be selected by: its values under a name, as texts, and which there can be where they are few. */
type Field = {
  readonly says: string;
  readonly of: (machine: Machine) => readonly (string | undefined)[];
  readonly oneOf?: readonly string[];
};

/** Every field that machines are selected by. */
export const machineFields = {
  id: { says: "its id", of: ({ id }) => [id] },
  hostname: { says: "its hostname", of: ({ hostname }) => [hostname] },
  state: {
    says: "what is intended for it",
    of: ({ state }) => [state],
    oneOf: machineStates,
  },
  phase: { says: "what was last seen of it", of: ({ phase }) => [phase], oneOf: phases },
  condition: {
    says: "the kinds of its standing conditions",
    of: ({ conditions }) => conditions.map(({ kind }) => kind),
    oneOf: conditionKinds,
  },
  network: { says: "the network it was last seen on", of: ({ network }) => [network] },
  mac: { says: "its hardware addresses", of: ({ macs }) => macs },
  address: {
    says: "its permanent and its temporary address",
    of: ({ permanentAddress, temporaryAddress }) => [permanentAddress, temporaryAddress],
  },
  firmware: { says: "its firmware", of: ({ firmware }) => [firmware], oneOf: ["bios", "uefi"] },
  group: { says: "the groups that own it", of: ({ groups = [] }) => groups },
  switch: { says: "the switch it hangs on", of: (machine) => [locationOf(machine)?.switch] },
  port: { says: "the port it hangs on", of: (machine) => [locationOf(machine)?.port] },
  rack: { says: "its rack", of: (machine) => [locationOf(machine)?.rack] },
  unit: { says: "its place in the rack", of: (machine) => [locationOf(machine)?.unit] },
  image: {
    says: "the image it runs, or the one it is to get",
    of: ({ runningImage, requiredImage }) => [runningImage ?? requiredImage],
  },
  requiredImage: { says: "the image it is to have", of: ({ requiredImage }) => [requiredImage] },
  runningImage: { says: "the image it runs", of: ({ runningImage }) => [runningImage] },
  plannedImage: { says: "the image it is to have next", of: ({ plannedImage }) => [plannedImage] },
  updates: {
    says: "whether the Dominator changes its image",
    of: ({ disableUpdates }) => [disableUpdates === true ? "disabled" : "enabled"],
    oneOf: ["enabled", "disabled"],
  },
  generation: { says: "how often it was born", of: ({ generation }) => [String(generation)] },
  vendor: { says: "who made its board", of: ({ smbios }) => [smbios?.vendor] },
  product: { says: "its model", of: ({ smbios }) => [smbios?.product] },
  serial: { says: "its serial number", of: ({ smbios }) => [smbios?.serial] },
} as const satisfies { readonly [name: string]: Field };

const table: ReadonlyMap<string, Field> = new Map(Object.entries(machineFields));

/** The values of a machine under a field's name; none for a name that is no field. */
export function fieldValues(machine: Machine, name: string): readonly string[] {
  return (
    table
      .get(name)
      ?.of(machine)
      .filter((value) => value !== undefined) ?? []
  );
}

/** Reads a selector over fields; a name that is no field, or a value that none can have, is a fault. */
export function parseFieldSelector(text: string): SelectorResult {
  const result = parseSelector(text);
  if (result.kind === "fault") return result;
  for (const requirement of result.requirements) {
    const message = faultOf(requirement);
    if (message !== undefined) return { kind: "fault", message };
  }
  return result;
}

function faultOf(requirement: Requirement): string | undefined {
  const { key } = requirement;
  const field = table.get(key);
  if (field === undefined) {
    return `found ${key}, which is no field; meant is one of ${[...table.keys()].join(", ")}`;
  }
  const { oneOf } = field;
  if (oneOf === undefined || !("values" in requirement)) return undefined;
  const wrong = requirement.values.find((value) => !oneOf.includes(value));
  return wrong === undefined ? undefined : `${key}: found ${wrong.slice(0, 60)}; meant is one of ${oneOf.join(", ")}`;
}
