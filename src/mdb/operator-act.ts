import { viewMachine } from "../contract/operator.ts";
import type { MachineEvent } from "../core/machine/event.ts";
import type { ConditionKind, MachineId } from "../core/machine/record.ts";
import { type Asked, type Handlers, withMachine } from "./operator-handler.ts";
import { refusalAnswer } from "./problem.ts";

type Action = "rebirth" | "clean" | "cancel" | "hold" | "release";

/** What operators may do to a machine, as the event that its life decides on. */
const eventOf: {
  readonly [R in Action]: (id: MachineId, asked: Pick<Asked<R>, "asker" | "body" | "deps">) => MachineEvent;
} = {
  rebirth: (id, { asker }) => ({ kind: "rebirthAsked", id, by: asker.name }),
  clean: (id, { asker }) => ({ kind: "cleanAsked", id, by: asker.name }),
  cancel: (id, { asker }) => ({ kind: "rebirthCancelled", id, by: asker.name }),
  hold: (id, { asker, body }) => {
    return { kind: "conditionSet", id, condition: "hold", reason: `${body.reason} (${asker.name})` };
  },
  release: (id, { deps }) => {
    // One at a time: a retired machine may be on hold as well.
    const standing = (kind: ConditionKind) => deps.store.get(id)?.conditions.some((one) => one.kind === kind) ?? false;
    const retired = !standing("hold") && standing("retired");
    return { kind: "conditionCleared", id, condition: retired ? "retired" : "hold" };
  },
};

/** The routes that change machines. */
export const actHandlers: Handlers<Action> = {
  rebirth: (asked) => act(asked, (id) => eventOf.rebirth(id, asked)),
  clean: (asked) => act(asked, (id) => eventOf.clean(id, asked)),
  cancel: (asked) => act(asked, (id) => eventOf.cancel(id, asked)),
  hold: (asked) => act(asked, (id) => eventOf.hold(id, asked)),
  release: (asked) => act(asked, (id) => eventOf.release(id, asked)),
};

function act(
  asked: Pick<Asked<Action>, "c" | "deps">,
  event: (id: MachineId) => MachineEvent,
): Response | Promise<Response> {
  const { c, deps } = asked;
  return withMachine(asked, async ({ id }) => {
    const decision = await deps.store.apply(event(id));
    if (decision.kind === "refused") return refusalAnswer(c, decision.refusal);
    return c.json(viewMachine(decision.machine));
  });
}
