import * as v from "valibot";
import { portKinds } from "../../../core/lldp/lldpdu.ts";
import { type PlacementRule, ruleSources } from "../../../core/site/placement.ts";
import { imageConditions, imageRule } from "../../machine/image-rule.ts";
import { counting, portIdKind } from "../../machine/placement.ts";
import { pinned } from "../../same.ts";
import { leaf, listOf, optional, required, withDefault } from "../entry.ts";
import { address, ipv6Address, seconds, shortName, text } from "../values.ts";

/** As init reads it, but a key with a typing error is refused. */
const strictCounting = v.strictObject(counting.entries);

const placementRule = v.strictObject({
  source: optional(
    leaf(`one of ${ruleSources.join(", ")}`, v.picklist(ruleSources)),
    "What the rule is about; `lldp` without this key. `option82`: `switch` matches the remote id that a DHCP relay or switch adds (its address " +
      "if there is none), `port` the circuit id. `chassis`: `switch` matches the serial number of the enclosure, `port` the location in it (SMBIOS). " +
      "The sources count in this order, and last what an operator says (`birther set NAME place=SWITCH:PORT`, by the rules of LLDP); " +
      "sources that give different places are a conflict (docs/booting.md).",
  ),
  switch: required(
    text,
    "Regular expression that must match the whole LLDP system name of the switch. Its named groups are part of the position.",
  ),
  port: optional(
    text,
    "Regular expression that must match the whole LLDP port name: the port id, or the description where the id is a MAC, an " +
      "address, an SNMP index or an alias. Its named groups are part of the position, too. " +
      "A rule needs `port`, `portId` or `portDescription`.",
  ),
  portId: optional(text, "Regular expression that must match the whole LLDP port id, whatever the description says."),
  portIdKind: optional(
    leaf(`one of ${Object.values(portKinds).join(", ")}`, portIdKind),
    "The subtype that the LLDP port id must have, such as `interfaceName` or `local`.",
  ),
  portDescription: optional(
    text,
    "Regular expression that must match the whole LLDP port description. Operators can write any text there, so name it only " +
      "for switches that put the name of the interface into it.",
  ),
  counting: optional(
    v.record(v.string(), leaf("`first` and `every`, whole numbers", strictCounting)),
    "Groups whose numbers count by more than one. `{ unit: { first: 0, every: 4 } }` makes SONiC's Ethernet0, Ethernet4 and " +
      "Ethernet8 the units 1, 2 and 3. A number in between, such as the lane of a split port, does not match the rule.",
  ),
  hostname: required(
    text,
    "Template of the hostname: `{rack}` is the text of a group, `{rack:2}` the same text padded with zeros to two digits.",
  ),
  address: required(
    v.strictObject({
      first: required(address, "The first address, from which the others are counted."),
      step: required(
        v.record(v.string(), leaf("a whole number of addresses", v.pipe(v.number(), v.integer(), v.minValue(0)))),
        "Addresses to advance for each number of a group, such as `{ rack: 64, unit: 1 }`.",
      ),
    }),
    "The permanent address: `first + Σ group × step`.",
  ),
  ipv6: optional(
    v.strictObject({
      first: required(ipv6Address, "The first address, from which the others are counted."),
      step: required(
        v.record(v.string(), leaf("a whole number of addresses", v.pipe(v.number(), v.integer(), v.minValue(0)))),
        "Addresses to advance for each number of a group, such as `{ rack: 65536, unit: 1 }`.",
      ),
    }),
    "An IPv6 address beside it, in `permanent.ipv6.prefix` of the network.",
  ),
  profile: optional(
    shortName,
    "The network profile of the machines (`networkProfiles`). Without this key, the installed system uses the NIC that booted.",
  ),
});

pinned<PlacementRule>()(placementRule);

/** How a machine gets its hostname and address. */
export const placement = withDefault(
  v.strictObject({
    lldpSeconds: withDefault(
      seconds(1, 600),
      40,
      "How long a machine waits for an LLDP frame from its switch, in seconds (switches send one every 30 s).",
    ),
    rules: withDefault(v.array(placementRule), [], "Placement rules, tried in order; the first match wins."),
  }),
  {},
  "Derives the hostname and the permanent address of a machine from its switch port.",
);

/** As init reads it, but a key with a typing error is refused. */
const strictImageRule = v.strictObject({
  ...imageRule.entries,
  when: v.optional(v.strictObject(imageConditions.entries), {}),
});

/** How a machine gets its image. */
export const images = withDefault(
  leaf("a list of image rules", listOf(strictImageRule)),
  [{ image: "debug", when: { burnIn: "failed" } }, { image: "compute" }],
  "Which system image a machine gets: rules tried in order; the first rule whose conditions all hold wins. " +
    "`layout` names a profile of `storage.layouts`. `image` names a stream such as `compute`, whose current version the machine gets and follows, or one version such as `compute/3`. " +
    "Conditions under `when`: `burnIn: passed|failed|suspect` (suspect: passed, with figures far from those of machines of the same model), `minCpus`, `minMemoryMiB`, `minStorageGiB`, `minDisks`, `firmware: bios|uefi`, `architecture: amd64|arm64`, `product` (regular expression that must match the whole SMBIOS product name). A machine never gets an image for another architecture, whatever the rules say.",
);
