import { plainText } from "../../bytes/plain-text.ts";
import type { MachineEvent, UnreadableEvent } from "../event.ts";
import type { Machine } from "../record.ts";

/** The kinds of notification about a machine. */
export const noticeKinds = [
  ...(["healthy", "failing", "failingCleared", "conflict", "conflictCleared", "hold", "holdCleared"] as const),
] as const;
/** One kind of notification. */
export type NoticeKind = (typeof noticeKinds)[number];

/** One notification; `id` is stable across retries and restarts. */
export type Notice = {
  readonly id: string;
  readonly kind: NoticeKind;
  readonly atMs: number;
  readonly machine: Pick<Machine, "id" | "hostname" | "state" | "phase" | "generation">;
  /** The reason of the condition that was set, or of the cleared one if it is known. */
  readonly reason?: string;
};

/** The part of a record that notifications depend on. */
export type NotifiedState = { readonly state: Machine["state"]; readonly conditions: readonly NoticedCondition[] };
type NoticedCondition = (typeof noticed)[number];

const noticed = ["failing", "conflict", "hold"] as const;

/** A change of a record, from the feed or the history. */
export type NoticedChange = {
  readonly machine: Pick<Machine, "id" | "revision" | "hostname" | "state" | "phase" | "generation" | "conditions">;
  readonly event: MachineEvent | UnreadableEvent;
  readonly atMs: number;
};

/** The part of a record that notifications depend on. */
export function notifiedStateOf({ state, conditions }: Pick<Machine, "state" | "conditions">): NotifiedState {
  return { state, conditions: noticed.filter((kind) => conditions.some((condition) => condition.kind === kind)) };
}

/** The notifications about a change; `before` is the state before it, undefined for a new machine. */
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
    ...(reason === undefined ? {} : { reason: plainText(reason) }),
  });
  const isBorn = state === "healthy" && event.kind === "becameHealthy" && before?.state !== "healthy";
  return [
    ...(isBorn ? [notice("healthy")] : []),
    ...noticed.flatMap((kind) => {
      const [was, is] = [before?.conditions.includes(kind) ?? false, after.conditions.includes(kind)];
      if (was === is) return [];
      return is
        ? [notice(kind, machine.conditions.find((condition) => condition.kind === kind)?.reason)]
        : [notice(`${kind}Cleared`)];
    }),
  ];
}
