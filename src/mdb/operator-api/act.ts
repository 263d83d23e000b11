import type { Context } from "hono";
import type { BatchAnswer } from "../../contract/operator/answers/batch.ts";
import { batchLimit } from "../../contract/operator/requests/action.ts";
import { briefOf, viewMachine } from "../../contract/operator/views.ts";
import {
  type ActionName,
  erasedBy,
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
import { answerJson } from "../http/json-answer.ts";
import { jsonList } from "../http/json-list.ts";
import { faultAnswer, problemOf, type Read, refusalAnswer } from "../http/problem.ts";
import { type OneByOne, oneByOne } from "../one-by-one.ts";
import { applyInParts, forEachInTurns } from "../turns.ts";
import { type BlastGuard, blastGuard } from "./blast-radius-guard.ts";
import { expectedRevision } from "./entity-tag.ts";
import { type Handlers, type OperatorDeps, type RouteRequest, withMachine } from "./handler.ts";

/** The routes of actions on machines. */
export function actHandlers(): Handlers<ActionName | "batch"> {
  // A batch is carried out in parts. No other request may use up the blast radius in between.
  const sending = oneByOne();
  const one = (request: ActRequest, action: OperatorAction) => actOnOne(request, action, sending);
  return {
    rebirth: (request) => one(request, { action: "rebirth", ...request.body }),
    reboot: (request) => one(request, { action: "reboot", ...request.body }),
    clean: (request) => one(request, { action: "clean", ...request.body }),
    cancel: (request) => one(request, { action: "cancel" }),
    hold: (request) => one(request, { action: "hold", ...request.body }),
    release: (request) => one(request, { action: "release", ...request.body }),
    retire: (request) => one(request, { action: "retire", ...request.body }),
    batch: (request) => actOnMany(request, sending),
  };
}

type ActRequest = Pick<RouteRequest<ActionName>, "c" | "deps" | "caller">;

function actOnOne(request: ActRequest, action: OperatorAction, sending: OneByOne): Response | Promise<Response> {
  const { c, deps, caller } = request;
  return withMachine(request, async (machine) => {
    const expected = expectedRevision(c, machine);
    if (expected.kind === "refused") return expected.response;
    const guard = guardOf(action, [machine], deps);
    const apply = () =>
      deps.store.apply(eventOfAction(action, machine, caller.name), {
        by: caller.name,
        ...(guard === undefined ? {} : { guard: guard.refusal }),
        ...(expected.value === undefined ? {} : { expectRevision: expected.value }),
      });
    const decision = await (guard === undefined ? apply() : sending(apply));
    if (decision.kind === "refused") return refusalAnswer(c, decision.refusal);
    return answerJson(c, viewMachine(decision.machine));
  });
}

/**
 * Carries out one action on many machines. Either all machines that accept it fit within the blast radius, or nothing
 * is done, unless another server on the database uses up the blast radius meanwhile: then the rest is refused. A machine that
 * refuses does not delay the others. Packets are answered in between.
 */
async function actOnMany(request: RouteRequest<"batch">, sending: OneByOne): Promise<Response> {
  const { select: _select, dryRun = false, ...action } = request.body;
  const execute = () => executeBatch(request, action);
  return sendsAway(action) && !dryRun ? await sending(execute) : await execute();
}

async function executeBatch(request: RouteRequest<"batch">, action: OperatorAction): Promise<Response> {
  const { c, deps, caller, body } = request;
  const { select, dryRun = false } = body;
  const chosen = await chosenBy(c, deps, select);
  if (chosen.kind === "refused") return chosen.response;
  const early = new Map<Machine, Decision>();
  await forEachInTurns(chosen.value, (machine) => early.set(machine, foresee(action, machine, deps, caller.name)));
  // What changed meanwhile is decided again, where nothing comes in between.
  const foreseen = chosen.value.map((before): Decided => {
    const machine = deps.store.get(before.id) ?? before;
    return { machine, decision: early.get(machine) ?? foresee(action, machine, deps, caller.name) };
  });
  const accepting = foreseen.filter(({ decision }) => decision.kind === "changed").map(({ machine }) => machine);
  const guard = guardOf(action, accepting, deps);
  if (dryRun) return batchAnswer(c, { action, dryRun, decided: foreseen, guard });
  const refusal = guard?.refusal();
  if (refusal !== undefined) return refusalAnswer(c, refusal);
  const applied = await applyAll(request, { action, foreseen, guard });
  if (applied.kind === "refused") return applied.response;
  return batchAnswer(c, { action, dryRun, decided: applied.value, guard: undefined });
}

/** A machine of a batch, and what was decided about it. */
type Decided = { readonly machine: Machine; readonly decision: Decision };

/** Applies the action in parts; if the database fails, the answer says how far the batch came. */
async function applyAll(
  { c, deps, caller }: RouteRequest<"batch">,
  batch: {
    readonly action: OperatorAction;
    readonly foreseen: readonly Decided[];
    readonly guard: BlastGuard | undefined;
  },
): Promise<Read<readonly Decided[]>> {
  const { action, foreseen, guard } = batch;
  let changed = 0;
  const applyOne = async ({ machine, decision: expected }: Decided): Promise<Decided> => {
    const decision = await deps.store.apply(eventOfAction(action, machine, caller.name), {
      by: caller.name,
      ...(guard === undefined ? {} : { guard: guard.refusal }),
      // The guard does not count a machine that refuses, so it must not accept after all.
      ...(expected.kind === "refused" ? { expectRevision: machine.revision } : {}),
    });
    if (decision.kind === "changed") changed += 1;
    return { machine, decision };
  };
  try {
    return { kind: "read", value: await applyInParts(foreseen, applyOne) };
  } catch (cause) {
    const facts = { action: action.action, changed, machines: foreseen.length };
    deps.log("error", "a batch was carried out in part: the database failed", { ...facts, cause });
    const detail = `${changed} of ${foreseen.length} machines were changed, then the database failed; the reason is in the server's log`;
    const next = "repeat the command when /readyz says ready; a machine that was changed is not changed again";
    return { kind: "refused", response: faultAnswer(c, "failed", detail, next) };
  }
}

/** The selected machines; an unknown name or an empty selection is refused before anything is done. */
async function chosenBy(
  c: Context,
  { store, othersUpdate }: OperatorDeps,
  select: RouteRequest<"batch">["body"]["select"],
): Promise<Read<readonly Machine[]>> {
  const refused = (response: Response) => ({ kind: "refused", response }) as const;
  if (select.names !== undefined) {
    const named = new Set<Machine>();
    const unknown: string[] = [];
    await forEachInTurns(select.names, (name) => {
      const machine = store.find(name);
      if (machine === undefined) unknown.push(name);
      else named.add(machine);
    });
    if (unknown.length === 0) return { kind: "read", value: [...named] };
    const message = `no machine has the name, id, address or MAC address ${unknown.slice(0, 10).join(", ").slice(0, 300)}`;
    return refused(
      refusalAnswer(c, { kind: "noSuchMachine", message, next: "to list all machines, run birther machines" }),
    );
  }
  const machines: Machine[] = [];
  await forEachInTurns([...store.list()], (machine) => {
    if (isSelected(machine, select, othersUpdate)) machines.push(machine);
  });
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
    ...{ nameHolder: nobody, addressHolder: nobody, announcedAt: nobody, machinesWith: () => 0 },
    imageFor: (wanted) => wanted,
  });
}

function guardOf(action: OperatorAction, machines: readonly Machine[], deps: OperatorDeps): BlastGuard | undefined {
  if (!sendsAway(action) || action.override === true) return undefined;
  const { store, clock, blastRadius: limits } = deps;
  return blastGuard({ store, clock, limits, targets: machines.map(({ id }) => id) });
}

type BatchDone = {
  readonly action: OperatorAction;
  readonly dryRun: boolean;
  readonly decided: readonly Decided[];
  readonly guard: BlastGuard | undefined;
};

function batchAnswer(c: Context, done: BatchDone): Response {
  const refusal = done.guard?.refusal();
  const rest = {
    dryRun: done.dryRun,
    beyond: [...(done.guard?.excess() ?? [])],
    ...(refusal === undefined ? {} : { problem: problemOf(refusal) }),
  };
  return jsonList<BatchAnswer, "results">(c, { name: "results", items: resultsOf(done), rest });
}

function* resultsOf({ action, decided }: BatchDone): Generator<BatchAnswer["results"][number]> {
  for (const one of decided) yield resultOf(action, one);
}

function resultOf(action: OperatorAction, { machine, decision }: Decided): BatchAnswer["results"][number] {
  const name = nameOf(machine);
  if (decision.kind === "refused")
    return { name, outcome: "refused", machine: briefOf(machine), problem: problemOf(decision.refusal) };
  const leaves = [...leftBy(action, machine)];
  const erases = [...erasedBy(action, machine)];
  return {
    ...{ name, outcome: "done", machine: briefOf(decision.machine) },
    ...(erases.length === 0 ? {} : { erases }),
    ...(leaves.length === 0 ? {} : { leaves }),
  };
}
