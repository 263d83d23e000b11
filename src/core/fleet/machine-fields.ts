import { followedStream } from "../image/stream/image-stream.ts";
import { conditionKinds } from "../machine/condition.ts";
import { locationOf } from "../machine/location.ts";
import { phases } from "../machine/phase.ts";
import type { Machine } from "../machine/record.ts";
import { machineStates } from "../machine/state.ts";
import { trustOf, trustValues } from "../machine/trust.ts";
import { formatIpv4 } from "../net/ipv4.ts";
import { machineStatusOf, statuses } from "./machine-status.ts";
import { parseSelector, type Requirement, type SelectorResult } from "./selector.ts";
import { similarAmong } from "./similar-names.ts";

/** A field to select machines by: its values as texts, and the allowed values if they are few. */
type Field = {
  readonly about: string;
  readonly of: (machine: Machine, othersUpdate: boolean) => readonly (string | undefined)[];
  readonly oneOf?: readonly string[];
};

/** Every field that machines can be selected by. */
export const machineFields = {
  id: { about: "its id", of: ({ id }) => [id] },
  hostname: { about: "its hostname", of: ({ hostname }) => [hostname] },
  state: {
    about: "what Birther intends for it",
    of: ({ state }) => [state],
    oneOf: machineStates,
  },
  status: {
    about: "how it stands, as `birther status` counts it",
    of: (machine, othersUpdate) => [machineStatusOf(machine, othersUpdate)],
    oneOf: statuses,
  },
  phase: { about: "what was last observed of it", of: ({ phase }) => [phase], oneOf: phases },
  condition: {
    about: "the kinds of its conditions",
    of: ({ conditions }) => conditions.map(({ kind }) => kind),
    oneOf: conditionKinds,
  },
  suspect: {
    about: "whether its burn-in is far from those of its siblings",
    of: ({ suspects = [] }) => [suspects.length === 0 ? "no" : "yes"],
    oneOf: ["yes", "no"],
  },
  network: { about: "the network it was last seen on", of: ({ network }) => [network] },
  mac: { about: "its MAC addresses", of: ({ macs }) => macs },
  address: {
    about: "its permanent and its temporary address",
    of: ({ permanentAddress, temporaryAddress }) =>
      [permanentAddress, temporaryAddress].map((address) => (address === undefined ? undefined : formatIpv4(address))),
  },
  firmware: { about: "its firmware", of: ({ firmware }) => [firmware], oneOf: ["bios", "uefi"] },
  group: { about: "the groups that own it", of: ({ groups = [] }) => groups },
  switch: { about: "the switch it is connected to", of: (machine) => [locationOf(machine)?.switch] },
  port: { about: "the switch port it is connected to", of: (machine) => [locationOf(machine)?.port] },
  rack: { about: "its rack", of: (machine) => [locationOf(machine)?.rack] },
  unit: { about: "its position in the rack", of: (machine) => [locationOf(machine)?.unit] },
  image: {
    about: "the image it runs, or else its required image",
    of: ({ runningImage, requiredImage }) => [runningImage ?? requiredImage],
  },
  requiredImage: { about: "its required image", of: ({ requiredImage }) => [requiredImage] },
  imageStream: {
    about: "the stream of images whose current version it requires",
    of: (machine) => [followedStream(machine)],
  },
  runningImage: { about: "the image it runs", of: ({ runningImage }) => [runningImage] },
  agent: { about: "the version of its agent", of: ({ agent }) => [agent?.version] },
  rejectedAgent: {
    about: "the version of the agent that it tried and gave up",
    of: ({ agent }) => [agent?.rejected?.version],
  },
  plannedImage: { about: "its planned image", of: ({ plannedImage }) => [plannedImage] },
  updates: {
    about: "whether the Dominator updates its image",
    of: ({ disableUpdates }) => [disableUpdates === true ? "disabled" : "enabled"],
    oneOf: ["enabled", "disabled"],
  },
  generation: {
    about: "its generation: the number of births, rebirths and cleans",
    of: ({ generation }) => [String(generation)],
  },
  trust: {
    about: "what vouches for it: its birth, its identity, its disk, its latest start",
    of: (machine) => Object.values(trustOf(machine)),
    oneOf: trustValues,
  },
  vendor: { about: "the vendor of its board", of: ({ smbios }) => [smbios?.vendor] },
  product: { about: "its model", of: ({ smbios }) => [smbios?.product] },
  serial: { about: "its serial number", of: ({ smbios }) => [smbios?.serial] },
} as const satisfies { readonly [name: string]: Field };

const table: ReadonlyMap<string, Field> = new Map(Object.entries(machineFields));

/** The values of a field of a machine, with whether an external Dominator updates the fleet; empty for an unknown field. */
export function fieldValues(machine: Machine, name: string, othersUpdate = false): readonly string[] {
  return (
    table
      .get(name)
      ?.of(machine, othersUpdate)
      .filter((value) => value !== undefined) ?? []
  );
}

/** Reads a selector over fields; an unknown field or an impossible value is a fault. */
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
    const [meant] = similarAmong(key, table.keys(), 1);
    const hint = meant === undefined ? "" : `; ${meant} is similar`;
    return `expected one of the fields ${[...table.keys()].join(", ")}, found ${key.slice(0, 60)}${hint}`;
  }
  const { oneOf } = field;
  if (oneOf === undefined || !("values" in requirement)) return undefined;
  const wrong = requirement.values.find((value) => !oneOf.includes(value));
  return wrong === undefined ? undefined : `${key}: expected one of ${oneOf.join(", ")}, found ${wrong.slice(0, 60)}`;
}
