/** Where a machine is: what it hears on its cable, the rules that make a place of it, and the place. */
import * as v from "valibot";
import { portKinds } from "../../core/lldp/lldpdu.ts";
import type { HeardPlace } from "../../core/machine/heard-place.ts";
import { type Neighbour, type Placement, type PlacementRule, ruleSources } from "../../core/site/placement.ts";
import { type AddressesAsText, ipv4 } from "../address-text.ts";
import { count, name, text } from "../bounded-values.ts";
import { pinned } from "../same.ts";

/** The subtypes of an LLDP port id. */
export const portIdKind = v.picklist(Object.values(portKinds));

/** How a switch numbers its ports. */
export const counting = v.object({ first: count, every: v.pipe(v.number(), v.integer(), v.minValue(1)) });

/** core/dhcp/relay-port.ts */
export const relayPort = v.object({
  giaddr: v.exactOptional(name),
  circuitId: v.exactOptional(name),
  remoteId: v.exactOptional(name),
});

/** core/site/placement.ts */
export const placementRule = v.object({
  source: v.exactOptional(v.picklist(ruleSources)),
  switch: text,
  port: v.exactOptional(text),
  portId: v.exactOptional(text),
  portIdKind: v.exactOptional(portIdKind),
  portDescription: v.exactOptional(text),
  counting: v.exactOptional(v.record(v.string(), counting)),
  hostname: text,
  address: v.object({ first: ipv4, step: v.record(v.string(), v.number()) }),
  ipv6: v.exactOptional(v.object({ first: text, step: v.record(v.string(), v.number()) })),
  profile: v.exactOptional(text),
});

const portFields = v.object({ portIdKind, portId: text, portDescription: text });

/** A neighbour as init sends it and as operators read it. */
export const neighbour = v.object({
  ...portFields.entries,
  switchName: text,
  port: text,
  otherPort: v.exactOptional(v.object({ text, agrees: v.boolean() })),
});

/** The sources of a place that a record names: LLDP is the usual one. */
const otherSources = ["option82", "chassis", "operator"] as const;

/** A placement as init sends it and as operators read it. */
export const placementText = v.object({
  switchName: text,
  port: text,
  position: v.pipe(v.record(name, name), v.maxEntries(64)),
  hostname: text,
  address: text,
  ipv6: v.exactOptional(name),
  profile: v.exactOptional(name),
  lldp: v.exactOptional(portFields),
  source: v.exactOptional(v.picklist(otherSources)),
});

export const placement = v.object({ ...placementText.entries, address: ipv4 });

pinned<PlacementRule>()(placementRule);
pinned<Neighbour>()(neighbour);
pinned<Placement>()(placement);
pinned<AddressesAsText<Placement>>()(placementText);

/** Where a machine is by what it hears, as the server computes it. */
export const heardPlace = pinned<HeardPlace>()(
  v.variant("kind", [
    v.object({
      ...{ kind: v.literal("placed"), switchName: v.string(), port: v.string() },
      position: v.record(v.string(), v.string()),
    }),
    v.object({ kind: v.literal("unplaced"), reason: v.string() }),
  ]),
);
