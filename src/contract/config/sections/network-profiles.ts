import * as v from "valibot";
import { leastMtu } from "../../../core/host-network/check-profiles.ts";
import { type Bond, hashPolicies, type NetworkProfile } from "../../../core/host-network/profile.ts";
import { pinned } from "../../same.ts";
import { leaf, listOf, optional, required, withDefault } from "../entry.ts";
import { count, shortName, text } from "../values.ts";

/** Links of a machine at most, and VLANs, addresses or routes of one of them. */
const linkLimit = 16;
const itemLimit = 64;

const mtu = count("an MTU in bytes", leastMtu, 9600);
/** An 802.1Q VLAN. */
export const vlan = count("a VLAN", 1, 4094);
const addressing = {
  addresses: withDefault(
    v.pipe(
      v.array(
        v.strictObject({
          first: required(text, "An IPv4 or IPv6 address, from which the others are counted."),
          step: required(
            v.record(v.string(), leaf("a whole number of addresses", v.pipe(v.number(), v.integer(), v.minValue(0)))),
            "Addresses to advance for each number of a group of the placement rule.",
          ),
          prefixLength: required(count("a prefix length", 1, 128), "Length of the network's prefix."),
        }),
      ),
      v.maxLength(itemLimit),
    ),
    [],
    "Further addresses: `first + Σ group × step`.",
  ),
  routes: withDefault(
    v.pipe(
      v.array(
        v.strictObject({
          to: required(text, "A prefix such as 10.0.0.0/8 or 2001:db8::/32; 0.0.0.0/0 and ::/0 are default routes."),
          via: required(text, "The router, an address of the same family."),
        }),
      ),
      v.maxLength(itemLimit),
    ),
    [],
    "Static routes.",
  ),
};

/** The rule that finds the NICs of a link. */
const nics = v.strictObject({
  name: optional(text, "Regular expression over the NIC's name in the Bootstrap Image, such as `eth[01]`."),
  driver: optional(text, "Regular expression over the NIC's driver, such as `ixgbe|ice`."),
  minMbps: optional(count("megabits per second", 1, 10_000_000), "The slowest link that matches."),
  switch: optional(text, "Regular expression over the system name that its switch sends by LLDP."),
  port: optional(text, "Regular expression over the port name that its switch sends by LLDP."),
});

/** Several NICs as one interface; LACP's keys get their defaults where the mode is LACP. */
const bond = leaf(
  "lacpRate, hashPolicy and minLinks only with mode 802.3ad",
  v.pipe(
    v.strictObject({
      mode: required(
        leaf("802.3ad or active-backup", v.picklist(["802.3ad", "active-backup"])),
        "`802.3ad`: LACP, for which the switch has the ports in one LAG. `active-backup`: one NIC works, the others wait; the switch needs nothing.",
      ),
      lacpRate: optional(
        leaf("slow or fast", v.picklist(["slow", "fast"])),
        "How often LACP's messages are asked for: every 30 s or every second. Default: fast.",
      ),
      hashPolicy: optional(
        leaf(`one of ${hashPolicies.join(", ")}`, v.picklist(hashPolicies)),
        "What distributes the packets over the NICs. Default: layer3+4.",
      ),
      minLinks: optional(
        count("a whole number of links", 1, linkLimit),
        "With fewer links, the bond counts as having none. Default: 1.",
      ),
      least: withDefault(
        count("a whole number of NICs", 2, linkLimit),
        2,
        "With fewer NICs, the birth stops before it writes to a disk.",
      ),
    }),
    v.check(
      ({ mode, lacpRate, hashPolicy, minLinks }) =>
        mode === "802.3ad" || [lacpRate, hashPolicy, minLinks].every((key) => key === undefined),
    ),
    v.transform(
      ({ mode, least, lacpRate = "fast", hashPolicy = "layer3+4", minLinks = 1 }): Bond =>
        mode === "802.3ad" ? { mode, lacpRate, hashPolicy, minLinks, least } : { mode, least },
    ),
  ),
);

const link = v.strictObject({
  name: required(
    leaf("a name of at most 10 lower-case letters, digits and -", v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,9}$/))),
    "Name of the bond's interface; VLAN interfaces are called NAME.VLAN. An interface without a bond keeps the name that the system gives it.",
  ),
  nics: optional(
    nics,
    "Which of the NICs with a link it takes; every key that is there must match, and patterns match the whole text. " +
      "Without this key: the NIC that booted. Without a bond, one NIC must match.",
  ),
  bond: optional(
    bond,
    "Makes one interface of the NICs. A birth uses one of them: docs/network-profiles.md says what the switch must allow.",
  ),
  mtu: optional(mtu, "MTU of the interface, and of the permanent network's VLAN; 1500 without this key."),
  ...addressing,
  vlans: withDefault(
    v.pipe(
      v.array(
        v.strictObject({
          vlan: required(vlan, "The tag."),
          mtu: optional(mtu, "At most that of the link."),
          ...addressing,
        }),
      ),
      v.maxLength(itemLimit),
    ),
    [],
    "Tagged networks on the interface.",
  ),
});

const profile = v.strictObject({
  name: required(shortName, "Name by which placement rules choose it."),
  links: required(
    leaf("at least one link", v.pipe(listOf(link), v.maxLength(linkLimit))),
    "The first link has the NIC that booted, and carries the permanent address, gateway and name servers.",
  ),
});

pinned<NetworkProfile>()(profile);

/** How installed systems use their NICs. */
export const networkProfiles = withDefault(
  v.array(profile),
  [],
  "How the installed system uses its NICs (docs/network-profiles.md): bonds, VLANs, MTU, further addresses and routes. " +
    "A placement rule names a profile; machines of other rules have the NIC that booted.",
);
