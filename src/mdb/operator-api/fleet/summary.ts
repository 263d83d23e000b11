import type { CauseView, NetworkBrief, SummaryView } from "../../../contract/operator/fleet-views.ts";
import type { NetworkView } from "../../../contract/operator/views.ts";
import { type CauseFound, nextFor } from "../../../core/fleet/causes.ts";
import { summariseInSteps } from "../../../core/fleet/summary.ts";
import { why } from "../../../core/machine/health/waiting-for.ts";
import type { ExpectedSlots } from "../../../core/site/site-plan.ts";
import { inTurns } from "../../turns.ts";
import type { OperatorDeps } from "../handler.ts";

/** Causes in an answer: beyond these few have one machine each, and the list of machines shows them. */
const causesShown = 50;

/** What a summary needs besides the server. */
export type SummaryOf = {
  readonly startedAtMs: number;
  readonly expected: ExpectedSlots;
  readonly imports: SummaryView["imports"];
};

/** The fleet and the server at a glance. */
export async function summaryOf(
  deps: OperatorDeps,
  { startedAtMs, expected, imports }: SummaryOf,
): Promise<SummaryView> {
  const { store, clock, version, exports, networks } = deps;
  const rules = {
    nowMs: clock.nowMs(),
    othersUpdate: deps.othersUpdate ?? false,
    expected,
    progressOf: store.progress,
  };
  const { summary, causes } = await inTurns(summariseInSteps([...store.list()], rules));
  const { checks } = await exports.readiness();
  const faults = checks.flatMap(({ name, ok, fault = "failed", next = "see the server's log" }) =>
    ok ? [] : [{ name, fault, next }],
  );
  return {
    ...summary,
    causes: causes.slice(0, causesShown).map((found) => causeView(found, deps)),
    networks: networks().map(networkBrief),
    server: { version, startedAtMs, faults },
    imports,
    unreadable: store.unreadable().length,
  };
}

function causeView(found: CauseFound, { clock, deadlineSeconds, othersUpdate = false }: OperatorDeps): CauseView {
  const facts = { nowMs: clock.nowMs(), deadlineSeconds, othersUpdate };
  return { ...found.cause, next: nextFor(found, why(found.example, facts)) };
}

function networkBrief({ name, mode, notServed, pool }: NetworkView): NetworkBrief {
  return { name, mode, pool, ...(notServed === undefined ? {} : { notServed }) };
}
