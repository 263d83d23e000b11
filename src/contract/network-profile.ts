/** Network profiles as an order carries them; a key that a newer server adds is ignored. */
import * as v from "valibot";
import { hashPolicies, type NetworkProfile } from "../core/host-network/profile.ts";
import { count } from "./bounded-values.ts";
import { pinned } from "./same.ts";

const text = v.pipe(v.string(), v.maxLength(1024));

const addressTemplate = v.object({ first: text, step: v.record(v.string(), count), prefixLength: count });
const addressing = {
  addresses: v.array(addressTemplate),
  routes: v.array(v.object({ to: text, via: text })),
};

/** core/host-network/profile.ts */
export const networkProfile = pinned<NetworkProfile>()(
  v.object({
    name: text,
    links: v.array(
      v.object({
        name: text,
        nics: v.exactOptional(
          v.object({
            name: v.exactOptional(text),
            driver: v.exactOptional(text),
            minMbps: v.exactOptional(count),
            switch: v.exactOptional(text),
            port: v.exactOptional(text),
          }),
        ),
        bond: v.exactOptional(
          v.variant("mode", [
            v.object({
              mode: v.literal("802.3ad"),
              lacpRate: v.picklist(["slow", "fast"]),
              hashPolicy: v.picklist(hashPolicies),
              minLinks: count,
              least: count,
            }),
            v.object({ mode: v.literal("active-backup"), least: count }),
          ]),
        ),
        mtu: v.exactOptional(count),
        vlans: v.array(v.object({ vlan: count, mtu: v.exactOptional(count), ...addressing })),
        ...addressing,
      }),
    ),
  }),
);
