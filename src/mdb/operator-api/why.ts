import type { ImageView, PacketView } from "../../contract/operator/views.ts";
import { isAvailable } from "../../core/image/image-name.ts";
import { imageOf, imageStreamsOf } from "../../core/image/stream/image-stream.ts";
import { type WhyFacts, why } from "../../core/machine/health/waiting-for.ts";
import { nameOf } from "../../core/machine/life/move.ts";
import type { Machine } from "../../core/machine/record.ts";
import { answerJson } from "../http/json-answer.ts";
import { type Handler, type OperatorDeps, withMachine } from "./handler.ts";

/** Answers what a machine waits for; core decides it from the record and from what the server has seen. */
export const whyHandler: Handler<"why"> = (request) =>
  withMachine(request, async (machine) => {
    const { c, deps } = request;
    const notServed = deps.networks().find(({ name }) => name === machine.network)?.notServed;
    const answer = why(machine, {
      nowMs: deps.clock.nowMs(),
      deadlineSeconds: deps.deadlineSeconds,
      othersUpdate: deps.othersUpdate ?? false,
      ...(notServed === undefined ? {} : { notServed }),
      ...imageExists(machine, await deps.images()),
      ...trialOf(machine, deps),
      packets: deps.packetsOf(machine.id).slice(-5).map(packetText),
      lines: deps.store.log(machine.id).slice(-5),
    });
    return answerJson(c, { name: nameOf(machine), ...answer });
  });

function imageExists({ requiredImage }: Machine, images: readonly ImageView[]): { readonly imageExists?: boolean } {
  if (requiredImage === undefined) return {};
  const names = images.map(({ name }) => name);
  return { imageExists: isAvailable(requiredImage, names) };
}

function trialOf({ id }: Machine, { store }: OperatorDeps): Pick<WhyFacts, "trial"> {
  const held = imageStreamsOf(store).find(({ promotion }) => promotion?.canary === id);
  if (held?.promotion === undefined) return {};
  return { trial: { image: imageOf(held, held.promotion.version), by: held.promotion.by } };
}

function packetText({ direction, protocol, kind, facts }: PacketView): string {
  const way = direction === "in" ? "from it" : "to it";
  return [`${way}: ${protocol} ${kind}`, ...facts.slice(0, 3)].join(", ");
}
