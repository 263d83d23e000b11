import type { SubPollRequest } from "../../contract/sub.ts";
import type { Directive } from "../../core/image/update/directive.ts";
import type { MachineEvent } from "../../core/machine/event.ts";
import type { MachineId, Phase } from "../../core/machine/record.ts";

/** Directives that the MDB shows as a phase of the machine. */
const phaseOf: { readonly [K in Directive["kind"]]?: Phase } = {
  fetch: "fetching",
  update: "updating",
  reboot: "rebooting",
};

/** The events from the result of the last directive: how long a phase took, or what failed. */
export function outcomeEvents(id: MachineId, { outcome }: SubPollRequest): readonly MachineEvent[] {
  if (outcome === undefined) return [];
  if (outcome.kind === "failed") return [{ kind: "failed", id, step: outcome.directive, reason: outcome.reason }];
  const phase = phaseOf[outcome.directive];
  if (phase === undefined) return [];
  return [{ kind: "phaseSeen", id, phase, durationMs: outcome.durationMs, detail: outcome.detail }];
}

/**
 * The events from the poll itself and from the sub's new directive. The image counts as running only when the machine
 * has booted it: directly after the birth the disk holds it, but the kernel is still the Bootstrap Image's.
 */
export function directiveEvents(id: MachineId, request: SubPollRequest, directive: Directive): readonly MachineEvent[] {
  const { patchedImage } = request;
  const booted = request.running === "image" && !request.rebootPending;
  const seen: MachineEvent = {
    kind: "subSeen",
    id,
    ...(booted && patchedImage !== undefined ? { runningImage: patchedImage } : {}),
    upToDate: booted && directive.kind === "wait" && directive.upToDate === true,
  };
  const phase = phaseOf[directive.kind];
  return phase === undefined ? [seen] : [seen, { kind: "phaseSeen", id, phase, detail: summary(directive) }];
}

function summary(directive: Directive): string {
  switch (directive.kind) {
    case "fetch": {
      const bytes = directive.objects.reduce((sum, object) => sum + object.size, 0);
      return `${directive.objects.length} objects, ${Math.ceil(bytes / 1048576)} MiB`;
    }
    case "update": {
      const blocked =
        directive.blocked.length === 0
          ? ""
          : `, blocked by protected files: ${directive.blocked.slice(0, 5).join(" ")}`;
      return `${directive.image}, ${directive.steps.length} steps${blocked}`;
    }
    case "reboot":
      return `into ${directive.image}`;
    case "wait":
    case "report":
      return directive.kind;
  }
}
