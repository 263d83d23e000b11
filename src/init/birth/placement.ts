import type { BurnInReport, Hardware } from "../../core/hardware/hardware.ts";
import { chooseImage } from "../../core/site/choose-image.ts";
import { placeMachine } from "../../core/site/place.ts";
import type { Placement } from "../../core/site/placement.ts";
import type { LldpListener } from "../device/neighbour.ts";
import type { BirthContext } from "./birth-context.ts";
import { requestSeconds } from "./mdb.ts";
import { stop } from "./stop.ts";
import type { TakenOrder } from "./take-order.ts";

/** A machine that knows its place in the rack and what it is to be. */
export type PlaceAndImage = { readonly placement: Placement; readonly image: string };

/** From the switch port to rack, name and address; from hardware and burn-in to the image. By the rules of the order. */
export function findPlaceAndImage(
  context: BirthContext,
  { order, session }: TakenOrder,
  facts: { readonly listener: LldpListener; readonly hardware: Hardware; readonly burnIn: BurnInReport },
): PlaceAndImage {
  const { runStep, console } = context;
  const neighbour = runStep("find the switch port", order.lldpSeconds + 30, () => {
    const heard = facts.listener.listen(order.lldpSeconds);
    if (heard === undefined) throw stop(`no LLDP frame came in ${order.lldpSeconds} s`);
    return heard;
  });
  const placement = runStep("compute the place", 10, () => {
    const result = placeMachine(order.placementRules, neighbour);
    if (result.kind === "unplaced") throw stop(result.reason);
    return result.placement;
  });
  const { hostname, address, switchName, port } = placement;
  console.log("info", "placed", { hostname, address, switch: switchName, port });
  const image = runStep("choose the image", 10, () => {
    const choice = chooseImage(order.imageRules, facts.hardware, facts.burnIn.verdict);
    if (choice.kind === "none") throw stop(choice.reason);
    return choice;
  });
  console.log("info", "image", { image: image.image, why: image.why });
  // Before anything is wiped: an MDB that knows of a conflict stops the birth here.
  runStep("report the place", requestSeconds, () =>
    session.phase("placed", `${hostname} ${address}, ${image.image}`, [{ kind: "placed", placement }]),
  );
  return { placement, image: image.image };
}
