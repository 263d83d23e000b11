import { listenForLldp } from "../device/neighbour.ts";
import type { Ground } from "./birth-context.ts";
import { examine } from "./examine.ts";
import { becomeSub, writeSubSettings } from "./hand-over.ts";
import { install } from "./install.ts";
import { requestSeconds } from "./mdb.ts";
import { settle } from "./placement.ts";
import { makeContact } from "./take-order.ts";

/**
 * The birth of this machine (source document, "The Miracle of Birth"), from a running kernel to subd: contact, examine,
 * settle, install, be declared healthy, hand over. Throws where it cannot go on.
 */
export function beBorn(ground: Ground): never {
  const { console, doing, watchdog } = ground;
  const contact = makeContact(ground);
  const { settings, order, session, mdb, nic, firmware } = contact;

  // The switch has the time of the burn-in to say who it is.
  const ear = listenForLldp(nic, settings.mac, order.machineId, console.log);
  const examined = examine(ground, contact);
  const { placement, image } = settle(ground, contact, { ear, ...examined });
  const plan = install(ground, contact, examined, placement);

  const { hostname, address } = placement;
  const { subToken } = doing("ask to be healthy", requestSeconds, () =>
    mdb.askHealthy(order.session, {
      generation: order.generation,
      hostname,
      address,
      image,
      placement,
      storage: plan.storage,
    }),
  );
  const successor = { settings, order, plan, firmware, placement, subToken, nic };
  doing("write the sub's settings", 120, () => writeSubSettings(successor));
  console.log("info", "this machine is healthy, subd takes over", { hostname, address });
  doing("hand over", requestSeconds, () => session.phase("handedOver"));
  mdb.close();
  watchdog.release();
  becomeSub(successor);
}
