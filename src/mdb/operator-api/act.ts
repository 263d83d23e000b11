import type { Context } from "hono";
import type { BatchAnswer } from "../../contract/operator/answers.ts";
import { batchLimit } from "../../contract/operator/requests.ts";
import { briefOf, viewMachine } from "../../contract/operator/views.ts";
import {
  type ActionName,
  eventOfAction,
  leftBy,
  type OperatorAction,
  sendsAway,
} from "../../core/fleet/operator-action.ts";
import { isSelected } from "../../core/fleet/select-machines.ts";
import type { Decision } from "../../core/machine/event.ts";
import { nameOf } from "../../core/machine/life/move.ts";
import { decide } from "../../core/machine/life/table.ts";
import type { Machine } from "../../core/machine/record.ts";
import { faultAnswer, problemOf, type Read, refusalAnswer } from "../http/problem.ts";
import { forEachInTurns } from "../turns.ts";
import { type BlastGuard, blastGuard } from "./blast-radius-guard.ts";
import { expectedRevision } from "./entity-tag.ts";
import { type Handlers, type OperatorDeps, type RouteRequest, withMachine } from "./handler.ts";

/** The routes of actions on machines. */
export const actHandlers: Handlers<ActionName | "batch"> = {
  rebirth: (request) => actOnOne(request, { action: "rebirth", ...request.body }),
  clean: (request) => actOnOne(request, { action: "clean", ...request.body }),
  cancel: (request) => actOnOne(request, { action: "cancel" }),
  hold: (request) => actOnOne(request, { action: "hold", ...request.body }),
  release: (request) => actOnOne(request, { action: "release" }),
  retire: (request) => actOnOne(request, { action: "retire", ...request.body }),
  batch: actOnMany,
};

type ActRequest = Pick<RouteRequest<ActionName>, "c" | "deps" | "caller">;

function actOnOne(request: ActRequest, action: OperatorAction): Response | Promise<Response> {
  const { c, deps, caller } = request;
  return withMachine(request, async (machine) => {
    const expected = expectedRevision(c, machine);
    if (expected.kind === "refused") return expected.response;
    const guard = guardOf(action, [machine], deps);
    const decision = await deps.store.apply(eventOfAction(action, machine, caller.name), {
      by: caller.name,
      ...(guard === undefined ? {} : { guard: guard.refusal }),
      ...(expected.value === undefined ? {} : { expectRevision: expected.value }),
    });
    if (decision.kind === "refused") return refusalAnswer(c, decision.refusal);
    return c.json(viewMachine(decision.machine));
  });
}

/**
 * Carries out one action on many machines. Either all machines that accept it fit within the blast radius, or nothing
 * is done. A machine that refuses does not delay the others. Nothing is awaited between the check and the last event.
 */
async function actOnMany({ c, deps, caller, body }: RouteRequest<"batch">): Promise<Response> {
  const { select, dryRun = false, ...action } = body;
  const chosen = chosenBy(c, deps, select);
  if (chosen.kind === "refused") return chosen.response;
  // Most of the work in turns; what changed meanwhile is decided again below, where nothing comes between.
  const early = new Map<Machine, Decision>();
  await forEachInTurns(chosen.value, (machine) => early.set(machine, foresee(action, machine, deps, caller.name)));
  const machines = chosen.value.map((machine) => deps.store.get(machine.id) ?? machine);
  const foreseen = machines.map((machine) => early.get(machine) ?? foresee(action, machine, deps, caller.name));
  const accepting = machines.filter((_, n) => foreseen[n]?.kind === "changed");
  const guard = guardOf(action, accepting, deps);
  if (dryRun) return c.json(batchAnswer({ action, dryRun, machines, decisions: foreseen, guard }));
  const refusal = guard?.refusal();
  if (refusal !== undefined) return refusalAnswer(c, refusal);
  const options = { by: caller.name, ...(guard === undefined ? {} : { guard: guard.refusal }) };
  const applied = machines.map((machine) => deps.store.apply(eventOfAction(action, machine, caller.name), options));
  return c.json(batchAnswer({ action, dryRun, machines, decisions: await Promise.all(applied), guard: undefined }));
}

/** The selected machines; an unknown name or an empty selection is refused before anything is done. */
function chosenBy(
  c: Context,
  { store }: OperatorDeps,
  select: RouteRequest<"batch">["body"]["select"],
): Read<Machine[]> {
  const refused = (response: Response) => ({ kind: "refused", response }) as const;
  if (select.names !== undefined) {
    const unknown = select.names.filter((name) => store.find(name) === undefined);
    if (unknown.length === 0) {
      return { kind: "read", value: [...new Set(select.names.flatMap((name) => store.find(name) ?? []))] };
    }
    const message = `no machine has the name, id, address or MAC address ${unknown.slice(0, 10).join(", ").slice(0, 300)}`;
    return refused(
      refusalAnswer(c, { kind: "noSuchMachine", message, next: "to list all machines, run birther machines" }),
    );
  }
  const machines = store.list().filter((machine) => isSelected(machine, select));
  if (machines.length === 0) {
    return refused(
      faultAnswer(
        c,
        "nothingSelected",
        "no machine has these tags and facts",
        "to see which machines a selector selects, run birther machines -l … -w …",
      ),
    );
  }
  if (machines.length > batchLimit) {
    const detail = `selection: expected at most ${batchLimit} machines, found ${machines.length}`;
    return refused(faultAnswer(c, "misshapen", detail, "select fewer machines"));
  }
  return { kind: "read", value: machines };
}

/**
 * What the machine's life cycle would answer now. None of these actions depends on other machines' names or addresses.
 */
function foresee(action: OperatorAction, machine: Machine, { clock, store }: OperatorDeps, by: string): Decision {
  const nobody = () => undefined;
  return decide(machine, eventOfAction(action, machine, by), {
    ...{ nowMs: clock.nowMs(), byId: store.get, macHolder: store.byMac },
    ...{ nameHolder: nobody, addressHolder: nobody, announcedAt: nobody },
    imageFor: (wanted) => wanted,
  });
}

function guardOf(action: OperatorAction, machines: readonly Machine[], deps: OperatorDeps): BlastGuard | undefined {
  if (!sendsAway(action) || action.override === true) return undefined;
  const { store, clock, blastRadius: limits } = deps;
  return blastGuard({ store, clock, limits, targets: machines.map(({ id }) => id) });
}

function batchAnswer(done: {
  readonly action: OperatorAction;
  readonly dryRun: boolean;
  readonly machines: readonly Machine[];
  readonly decisions: readonly Decision[];
  readonly guard: BlastGuard | undefined;
}): BatchAnswer {
  const { action, dryRun, machines, decisions, guard } = done;
  const results = machines.map((machine, n): BatchAnswer["results"][number] => {
    const decision = decisions[n];
    if (decision === undefined || decision.kind === "refused") {
      const problem = decision === undefined ? {} : { problem: problemOf(decision.refusal) };
      return { name: nameOf(machine), outcome: "refused", machine: briefOf(machine), ...problem };
    }
    const leaves = [...leftBy(action, machine)];
    return {
      name: nameOf(machine),
      outcome: "done",
      machine: briefOf(decision.machine),
      ...(leaves.length === 0 ? {} : { leaves }),
    };
  });
  const refusal = guard?.refusal();
  const problem = refusal === undefined ? {} : { problem: problemOf(refusal) };
  return { dryRun, results, beyond: [...(guard?.excess() ?? [])], ...problem };
}
