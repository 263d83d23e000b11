import { withAddressText } from "../../contract/address-text.ts";
import { listenForLldp } from "../device/network/neighbour.ts";
import type { BirthContext } from "./birth-context.ts";
import { findDataDisks } from "./data-disks.ts";
import { handOver, subSettingsOf, writeSubSettings } from "./hand-over.ts";
import { finishBurnIn, inspectMachine } from "./inspect.ts";
import { install } from "./install.ts";
import { requestSeconds } from "./mdb.ts";
import { findImage, findPlacement, neighbourReports } from "./placement.ts";
import { listenOnLegs } from "./plan-network.ts";
import { recoverKey } from "./recover-key.ts";
import { resume } from "./resume.ts";
import { takeOrder } from "./take-order.ts";

/**
 * The birth of this machine (source document, "The Miracle of Birth"), from a running kernel to birther-agent: take the
 * order, inspect the machine, find its placement, install, become healthy, hand over. A machine that lost power after it
 * became healthy and before its first image resumes instead. Throws when the birth cannot continue.
 */
export function beBorn(context: BirthContext): never {
  const { console, runStep } = context;
  const taken = takeOrder(context);
  const { settings, order, mdb, nic } = taken;
  if (order.action === "recover") recoverKey(context, taken);
  if (order.resume !== undefined) resume(context, taken, order.resume);

  // The switch has the time of the burn-in to announce itself.
  const listener = listenForLldp(nic, settings.mac, order.machineId, console.log);
  const legs = listenOnLegs(context, taken);
  const reports = neighbourReports(context, taken, listener);
  const inspection = inspectMachine(context, taken, reports.look);
  const placed = findPlacement(context, taken, {
    ...{ listener, legs, reports },
    ...{ rootDisk: inspection.disk, hardware: inspection.hardware },
  });
  const { placement } = placed;
  const burnIn = finishBurnIn(context, taken, inspection);
  const { image, profile } = findImage(context, taken, { hardware: inspection.hardware, burnIn });
  const disks = findDataDisks(context, taken, { inspection, placement, profile });
  const plan = install(context, taken, { inspection, placed, disks });

  const subSettings = subSettingsOf(taken, plan);
  runStep("writeSubSettings", 120, () => writeSubSettings(subSettings));
  const { subToken } = runStep("askToBeHealthy", requestSeconds, () =>
    mdb.askHealthy(order.session, {
      generation: order.generation,
      image,
      placement: withAddressText(placement),
      storage: plan.storage,
    }),
  );
  runStep("writeCredential", 120, () => writeSubSettings({ ...subSettings, token: subToken }));
  handOver(context, taken, placement);
}
