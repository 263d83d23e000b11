import type { Config } from "../../contract/config/schema.ts";
import { othersUpdate } from "../../contract/config/updates.ts";
import type { DeadlineRules } from "../../core/machine/health/stall-detection.ts";
import type { Ipv4 } from "../../core/net/ipv4.ts";
import { serverAddresses } from "../../core/network/network.ts";
import type { Clock, Log, Random, Store } from "../../core/ports.ts";
import { type PlannedSlot, planSlots } from "../../core/site/site-plan.ts";
import type { ImageStore } from "../../dominator/storage/image-store.ts";
import type { StoreDirectories } from "../../dominator/storage/packs/find-in-packs.ts";
import type { Models } from "../../mdb/models.ts";
import type { Trust } from "../../mdb/tls/authority.ts";
import type { PkiPlace } from "../../mdb/tls/pki.ts";
import { watchRulesOf } from "../../mdb/watch/open-watch.ts";
import type { pathsIn } from "../paths.ts";

/** What the parts of a server share. */
export type Shared = {
  readonly config: Config;
  readonly paths: ReturnType<typeof pathsIn>;
  readonly trust: Trust;
  readonly store: Store;
  readonly models: Models;
  readonly images: ImageStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

/** Where its certificates are. */
export function pkiOf({ paths, trust }: Shared): PkiPlace {
  return { directory: paths.pki, issuing: trust.issuing };
}

/** Its addresses on the networks of machines. */
export function addressesOf({ networks }: Config): readonly Ipv4[] {
  return [...new Set(networks.flatMap(serverAddresses))];
}

/** When a machine has waited for too long. */
export function deadlineRulesOf(config: Config): DeadlineRules {
  const { deadlineSeconds } = watchRulesOf(config);
  return { deadlineSeconds, othersUpdate: othersUpdate(config) };
}

/** Where images and their contents are. */
export function storesIn({ images, objects, confidentialObjects }: Shared["paths"]) {
  return { images, objects, confidentialObjects };
}

/** Where the contents of images are. */
export function contentsIn({ objects, confidentialObjects }: Shared["paths"]): StoreDirectories {
  return { objects, confidential: confidentialObjects };
}

/** The slots that the configuration expects. */
export function planOf({ site, placement }: Config): readonly PlannedSlot[] {
  return site === undefined ? [] : planSlots(site, placement.rules);
}
