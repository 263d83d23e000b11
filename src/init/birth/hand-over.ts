import * as host from "host";
import { serverName } from "../../contract/machine/paths.ts";
import type { SubSettings } from "../../contract/sub.ts";
import type { BootSettings } from "../../core/birth/boot-settings.ts";
import type { OrderAnswer } from "../../core/birth/order-answer.ts";
import { encodeUtf8 } from "../../core/bytes/utf8.ts";
import { newRoot, onNewRoot, rootPaths } from "../../core/install/paths.ts";
import type { InstallPlan } from "../../core/install/plan.ts";
import { formatEndpoint } from "../../core/net/endpoint.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { Placement } from "../../core/site/placement.ts";
import { moveKernelFileSystems } from "../device/mounts.ts";
import { replaceBytes } from "../system/files.ts";
import type { BirthContext } from "./birth-context.ts";
import { requestSeconds } from "./mdb.ts";
import type { TakenOrder } from "./take-order.ts";

/**
 * The settings of the agent after an installation, still without its credential: it exists only once the machine is
 * healthy, and what a resume needs must be on the disk before that.
 */
export function subSettingsOf(
  { settings, order, firmware }: Pick<TakenOrder, "settings" | "order" | "firmware">,
  plan: InstallPlan,
): SubSettings {
  return {
    machineId: order.machineId,
    ...serversOf(settings, order),
    token: "",
    mac: settings.mac,
    firmware,
    root: plan.root,
    boot: {
      ...{ partUuid: plan.bootPartUuid, mountPoint: rootPaths.bootPartition },
      ...(plan.mirrorBootPartUuid === undefined ? {} : { mirrorPartUuid: plan.mirrorBootPartUuid }),
    },
    ...(plan.espPartUuid === undefined ? {} : { esp: { partUuid: plan.espPartUuid } }),
  };
}

/**
 * Where the agent finds the server on the permanent network. A tagged one is not reached before the installed system
 * runs: until then the agent turns to the address that this machine was born from.
 */
export function serversOf(
  { http, mdb: bornFrom }: BootSettings,
  { permanent, otherMdbs: othersNow = [] }: OrderAnswer,
): Pick<SubSettings, "mdb" | "otherMdbs" | "serverName" | "http"> {
  const { mdb, otherMdbs = [], vlan } = permanent;
  const others = vlan === undefined ? otherMdbs : [...otherMdbs, bornFrom, ...othersNow];
  return {
    ...{ mdb: formatEndpoint(mdb), serverName, http: formatEndpoint({ ...mdb, port: http.port }) },
    ...(others.length === 0 ? {} : { otherMdbs: others.map(formatEndpoint) }),
  };
}

/** Writes the settings of the agent; on the disk when this returns. */
export function writeSubSettings(settings: SubSettings): void {
  replaceBytes(onNewRoot(rootPaths.subSettings), encodeUtf8(`${JSON.stringify(settings, null, 2)}\n`), 0o600);
  host.sync();
}

/** Reports the hand-over, takes the permanent name and (unless it is in a VLAN) address, makes the new root the root, and becomes birther-agent. */
export function handOver(
  { console, runStep, watchdog }: BirthContext,
  { session, mdb, order, nic }: TakenOrder,
  { hostname, address }: Pick<Placement, "hostname" | "address">,
): never {
  const dotted = formatIpv4(address);
  console.log("info", "this machine is healthy, birther-agent takes over", { hostname, address: dotted });
  runStep("handOver", requestSeconds, () => session.phase("handedOver"));
  mdb.close();
  watchdog.release();
  host.hostname(hostname);
  const { vlan, prefixLength, gateway } = order.permanent;
  // The installed system tags; until then the agent works with the temporary address.
  if (vlan === undefined) {
    host.interfaceAddress(nic, dotted, prefixLength);
    if (gateway !== undefined) host.defaultRoute(formatIpv4(gateway));
  }
  moveKernelFileSystems(newRoot);
  host.switchRoot(newRoot, [rootPaths.agent]);
}
