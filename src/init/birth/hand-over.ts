import * as host from "host";
import { type Order, serverName } from "../../contract/machine-facing.ts";
import type { SubSettings } from "../../contract/sub.ts";
import type { BootSettings } from "../../core/birth/boot-settings.ts";
import { encodeUtf8 } from "../../core/bytes/utf8.ts";
import { newRoot, onNewRoot, rootPaths } from "../../core/install/paths.ts";
import type { InstallPlan } from "../../core/install/plan.ts";
import type { Firmware } from "../../core/machine/record.ts";
import type { Placement } from "../../core/site/placement.ts";
import { moveKernelFileSystems } from "../device/mounts.ts";
import { replaceBytes } from "../system/files.ts";

/** Everything that the new agent needs. */
export type Successor = {
  readonly settings: BootSettings;
  readonly order: Order;
  readonly plan: InstallPlan;
  readonly firmware: Firmware;
  readonly placement: Placement;
  readonly subToken: string;
  readonly nic: string;
};

/** Writes the MDB's address and the credential that birther-agent needs; on the disk when this returns. */
export function writeSubSettings({ settings, order, plan, firmware, subToken }: Successor): void {
  const mdbAddress = order.permanent.mdb.split(":")[0] ?? "";
  const text: SubSettings = {
    machineId: order.machineId,
    mdb: order.permanent.mdb,
    serverName,
    token: subToken,
    http: `${mdbAddress}:${settings.http.port}`,
    mac: settings.mac,
    firmware,
    root: plan.root,
    boot: { partUuid: plan.bootPartUuid },
    ...(plan.espPartUuid === undefined ? {} : { esp: { partUuid: plan.espPartUuid } }),
  };
  replaceBytes(onNewRoot(rootPaths.subSettings), encodeUtf8(`${JSON.stringify(text, null, 2)}\n`), 0o600);
  host.sync();
}

/** Takes the permanent name and address, makes the new root the root, and becomes birther-agent. */
export function becomeAgent({ order, placement, nic }: Successor): never {
  host.hostname(placement.hostname);
  host.interfaceAddress(nic, placement.address, order.permanent.prefixLength);
  if (order.permanent.gateway !== undefined) host.defaultRoute(order.permanent.gateway);
  moveKernelFileSystems(newRoot);
  host.switchRoot(newRoot, [rootPaths.agent]);
}
