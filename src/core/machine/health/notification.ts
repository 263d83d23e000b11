import type { MachineEvent } from "../event.ts";
import type { Machine } from "../record.ts";

/** What others are told of a machine as it happens. */
export const noticeKinds = [
  ...(["healthy", "failing", "failingCleared", "conflict", "conflictCleared", "hold", "holdCleared"] as const),
] as const;
export type NoticeKind = (typeof noticeKinds)[number];

/** One thing to tell; `id` is the same however often it is told, or found again after a restart. */
export type Notice = {
  readonly id: string;
  readonly kind: NoticeKind;
  readonly atMs: number;
  readonly machine: Pick<Machine, "id" | "hostname" | "state" | "phase" | "generation">;
  /** Of a condition that was set, or of the one that was cleared as far as it is known. */
  readonly reason?: string;
};

/** The part of a record that notices are about. */
export type NotifiedState = { readonly state: Machine["state"]; readonly conditions: readonly NoticedCondition[] };
type NoticedCondition = (typeof noticed)[number];

const noticed = ["failing", "conflict", "hold"] as const;

/** A change, as the feed or the history tells it. */
export type NoticedChange = {
  readonly machine: Pick<Machine, "id" | "revision" | "hostname" | "state" | "phase" | "generation" | "conditions">;
  readonly event: MachineEvent;
  readonly atMs: number;
};

/** What of a record notices are about. */
export function notifiedStateOf({ state, conditions }: Pick<Machine, "state" | "conditions">): NotifiedState {
  return { state, conditions: noticed.filter((kind) => conditions.some((standing) => standing.kind === kind)) };
}

/** What there is to tell of a change; `before` is what stood before it, nothing for a new machine. */
export function noticesOf(
  before: NotifiedState | undefined,
  { machine, event, atMs }: NoticedChange,
): readonly Notice[] {
  const after = notifiedStateOf(machine);
  const { id, hostname, state, phase, generation } = machine;
  const about = {
    ...{ id, state, generation },
    ...(hostname === undefined ? {} : { hostname }),
    ...(phase === undefined ? {} : { phase }),
  };
  const notice = (kind: NoticeKind, reason?: string): Notice => ({
    ...{ id: `${id}-${machine.revision}-${kind}`, kind, atMs, machine: about },
    ...(reason === undefined ? {} : { reason }),
  });
  const isBorn = state === "healthy" && event.kind === "becameHealthy" && before?.state !== "healthy";
  return [
    ...(isBorn ? [notice("healthy")] : []),
    ...noticed.flatMap((kind) => {
      const [was, is] = [before?.conditions.includes(kind) ?? false, after.conditions.includes(kind)];
      if (was === is) return [];
      return is
        ? [notice(kind, machine.conditions.find((standing) => standing.kind === kind)?.reason)]
        : [notice(`${kind}Cleared`)];
    }),
  ];
}
