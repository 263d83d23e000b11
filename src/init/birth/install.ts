import * as host from "host";
import { logicalSectorBytes } from "../../core/hardware/scan.ts";
import { type InstallPlan, planInstall } from "../../core/install/plan.ts";
import type { InstallPhase } from "../../core/install/step.ts";
import type { Random } from "../../core/ports.ts";
import type { Placement } from "../../core/site/placement.ts";
import { findKeyPlace } from "../device/efi.ts";
import { systemTree } from "../device/tree.ts";
import type { Ground } from "./birth-context.ts";
import type { Examined } from "./examine.ts";
import { carryOut } from "./execute-step.ts";
import { requestSeconds } from "./mdb.ts";
import { stop } from "./stop.ts";
import type { Contact } from "./take-order.ts";

const random: Random = { bytes: (count) => new Uint8Array(host.randomBytes(count)) };

/** Plans the installation and carries it out; when this returns, the new root is mounted, populated and on the disk. */
export function install(ground: Ground, contact: Contact, examined: Examined, placement: Placement): InstallPlan {
  const { doing, console } = ground;
  const { order, session, drivers, firmware, settings } = contact;
  const plan = doing("plan the installation", 60, () => {
    const planning = planInstall(
      {
        firmware,
        keyPlace: findKeyPlace(firmware, drivers),
        secureBoot: examined.hardware.secureBoot,
        policy: order.storage,
        disk: examined.disk,
        diskWhy: examined.diskWhy,
        sectorBytes: logicalSectorBytes(systemTree, examined.disk.path),
        hostname: placement.hostname,
        address: placement.address,
        mac: settings.mac,
        ...order.permanent,
        ...(order.signedLoader === undefined ? {} : { signedLoader: order.signedLoader }),
      },
      random,
    );
    if (planning.kind === "refused") throw stop(planning.reason);
    return planning;
  });
  for (const step of plan.steps) {
    doing(step.name, step.deadlineSeconds, () => carryOut(step, { drivers, http: settings.http, log: console.log }));
    const { reaches } = step;
    if (reaches !== undefined) {
      doing("report to the MDB", requestSeconds, () => session.phase(reaches, phaseDetail(plan, reaches)));
    }
  }
  return plan;
}

function phaseDetail(plan: InstallPlan, phase: InstallPhase): string {
  const { encryption, rootDisk } = plan.storage;
  switch (phase) {
    case "keysMade":
      return encryption.kind === "luks2" ? `in ${encryption.keyIn}` : encryption.reason;
    case "partitioned":
      return `${rootDisk.path}, ${encryption.kind === "luks2" ? "encrypted" : `not encrypted: ${encryption.reason}`}`;
    case "populated":
      return rootDisk.path;
  }
}
