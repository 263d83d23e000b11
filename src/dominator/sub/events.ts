import { counted } from "../../core/bytes/counted.ts";
import { plainText } from "../../core/bytes/plain-text.ts";
import type { Directive, PollDecision } from "../../core/image/update/directive.ts";
import type { MachineEvent } from "../../core/machine/event.ts";
import { shortBootId } from "../../core/machine/log-line.ts";
import type { Phase } from "../../core/machine/phase.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { trustIdOf } from "../../core/machine/trust-id.ts";
import type { SmallPoll } from "../thread/read-poll.ts";

/** Directives that the MDB shows as a phase of the machine. */
const phaseOf: { readonly [K in Directive["kind"]]?: Phase } = {
  fetch: "fetching",
  update: "updating",
  reboot: "rebooting",
};

/** The events from the result of the last directive: how long a phase took, or what failed. */
export function outcomeEvents(id: MachineId, { outcome }: SmallPoll): readonly MachineEvent[] {
  if (outcome === undefined) return [];
  // The machine works as before: the failure is logged, and the upgrade tried again later.
  if (outcome.directive === "upgradeAgent") return [];
  if (outcome.kind === "failed") return [{ kind: "failed", id, step: outcome.directive, reason: outcome.reason }];
  const phase = phaseOf[outcome.directive];
  if (phase === undefined) return [];
  return [{ kind: "phaseSeen", id, phase, durationMs: outcome.durationMs, detail: outcome.detail }];
}

/**
 * The events from the poll itself and from the sub's new directive. The image counts as running only when the machine
 * has booted it: directly after the birth the disk holds it, but the kernel is still the Bootstrap Image's.
 */
export function directiveEvents(id: MachineId, request: SmallPoll, directive: SentDirective): readonly MachineEvent[] {
  const { patchedImage, agent, measuredBoot, diskKey, mirror, bootId } = request;
  const boot = bootId === undefined ? undefined : shortBootId(bootId);
  const booted = request.running === "image" && !request.rebootPending && request.rejectedKernel === undefined;
  const seen: MachineEvent = {
    kind: "subSeen",
    id,
    ...(request.running === "image" ? { fromDisk: true } : {}),
    ...(booted && patchedImage !== undefined ? { runningImage: patchedImage } : {}),
    ...(request.authorities === undefined ? {} : { trusts: trustIdOf(request.authorities) }),
    ...(agent === undefined ? {} : { agent }),
    ...(measuredBoot === undefined ? {} : { measuredBoot }),
    ...(diskKey === undefined ? {} : { diskKey }),
    ...(mirror === undefined ? {} : { mirror }),
    ...(boot === undefined ? {} : { boot }),
    upToDate: booted && directive.kind === "wait" && directive.upToDate === true,
  };
  const phase = phaseOf[directive.kind];
  return phase === undefined ? [seen] : [seen, { kind: "phaseSeen", id, phase, detail: summary(directive) }];
}

/** What a sub was answered. */
export type SentDirective = Exclude<PollDecision, { kind: "stop" }>;

function summary(directive: SentDirective): string {
  switch (directive.kind) {
    case "fetch":
      return `${counted(directive.objects, "object")}, ${Math.ceil(directive.bytes / 1048576)} MiB`;
    case "update": {
      const blocked =
        directive.blocked.length === 0
          ? ""
          : `, blocked by protected files: ${directive.blocked.slice(0, 5).map(plainText).join(" ")}`;
      return `${directive.image}, ${counted(directive.steps, "step")}${blocked}`;
    }
    case "reboot":
      return `into ${directive.image}`;
    case "wait":
    case "report":
    case "compare":
    case "trust":
      return directive.kind;
  }
}
