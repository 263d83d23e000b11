import { listenForLldp } from "../device/neighbour.ts";
import type { BirthContext } from "./birth-context.ts";
import { examine, finishBurnIn } from "./examine.ts";
import { becomeAgent, writeSubSettings } from "./hand-over.ts";
import { install } from "./install.ts";
import { requestSeconds } from "./mdb.ts";
import { findImage, findPlace } from "./placement.ts";
import { takeOrder } from "./take-order.ts";

/**
 * The birth of this machine (source document, "The Miracle of Birth"), from a running kernel to birther-agent: contact, examine,
 * settle, install, be declared healthy, hand over. Throws where it cannot go on.
 */
export function beBorn(context: BirthContext): never {
  const { console, runStep, watchdog } = context;
  const taken = takeOrder(context);
  const { settings, order, session, mdb, nic, firmware } = taken;

  // The switch has the time of the burn-in to say who it is.
  const listener = listenForLldp(nic, settings.mac, order.machineId, console.log);
  const examined = examine(context, taken);
  const placement = findPlace(context, taken, { listener, rootDisk: examined.disk });
  const burnIn = finishBurnIn(context, taken, examined);
  const image = findImage(context, taken, { hardware: examined.hardware, burnIn });
  const plan = install(context, taken, examined, placement);

  const { hostname, address } = placement;
  const { subToken } = runStep("askToBeHealthy", requestSeconds, () =>
    mdb.askHealthy(order.session, {
      generation: order.generation,
      image,
      placement,
      storage: plan.storage,
    }),
  );
  const successor = { settings, order, plan, firmware, placement, subToken, nic };
  runStep("writeSubSettings", 120, () => writeSubSettings(successor));
  console.log("info", "this machine is healthy, birther-agent takes over", { hostname, address });
  runStep("handOver", requestSeconds, () => session.phase("handedOver"));
  mdb.close();
  watchdog.release();
  becomeAgent(successor);
}
