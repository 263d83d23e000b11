import type { Machine, MachineId } from "../machine/record.ts";
import type { AgentReport } from "./version.ts";

/**
 * Which machines try, run or reject the server's version of the agent. It is derived from polls, and lives as long as the server.
 * Times are milliseconds since 1970.
 */
export type AgentRollout = {
  readonly version: string;
  readonly confirmed: ReadonlySet<MachineId>;
  /** Since when a machine has had the offer to try it, without a known outcome. */
  readonly trying: ReadonlyMap<MachineId, number>;
  readonly rejected: ReadonlySet<MachineId>;
  /** Machines that could not put it in place, and when they may try again. */
  readonly postponed: ReadonlyMap<MachineId, number>;
};

export type RolloutEvent =
  | { readonly kind: "seen"; readonly agent: AgentReport | undefined }
  | { readonly kind: "offered" }
  /** The machine could not fetch or place it. */
  | { readonly kind: "failed" };

/** The limits of a rollout. */
export const rolloutLimits = {
  /** Time for a new agent to be confirmed: longer than a restart of the server or of a switch. */
  deadlineSeconds: 600,
  /** A machine that got the offer and has not polled for this long counts as silent. */
  silentMs: 3 * 600_000,
  /** Minimum number of silent machines that stops the rollout: a single one may have been switched off. */
  silent: 2,
  retryMs: 600_000,
} as const;

/** The start of a server: what the records of the machines say about the version. */
export function beginRollout(version: string, machines: readonly Pick<Machine, "id" | "agent">[]): AgentRollout {
  const idsWhere = (holds: (agent: AgentReport) => boolean) =>
    new Set(machines.filter(({ agent }) => agent !== undefined && holds(agent)).map(({ id }) => id));
  return {
    version,
    confirmed: idsWhere((agent) => agent.version === version),
    trying: new Map(),
    rejected: idsWhere((agent) => agent.rejected?.version === version),
    postponed: new Map(),
  };
}

/** Applies what happened to one machine; returns the same object if nothing changed. */
export function rolloutStep(rollout: AgentRollout, id: MachineId, event: RolloutEvent, nowMs: number): AgentRollout {
  const { confirmed, trying, postponed } = rollout;
  switch (event.kind) {
    case "offered":
      return trying.has(id) ? rollout : { ...rollout, trying: new Map([...trying, [id, nowMs]]) };
    case "failed":
      return {
        ...rollout,
        trying: without(trying, id),
        postponed: new Map([...postponed, [id, nowMs + rolloutLimits.retryMs]]),
      };
    case "seen":
      return event.agent?.rejected?.version === rollout.version
        ? noteRejected(rollout, id)
        : event.agent?.version === rollout.version
          ? noteConfirmed(rollout, id)
          : confirmed.has(id) || rollout.rejected.has(id)
            ? { ...rollout, confirmed: dropped(confirmed, id), rejected: dropped(rollout.rejected, id) }
            : rollout;
  }
}

function noteRejected(rollout: AgentRollout, id: MachineId): AgentRollout {
  const { confirmed, trying, rejected } = rollout;
  if (rejected.has(id)) return rollout;
  return {
    ...rollout,
    confirmed: dropped(confirmed, id),
    trying: without(trying, id),
    rejected: new Set([...rejected, id]),
  };
}

function noteConfirmed(rollout: AgentRollout, id: MachineId): AgentRollout {
  const { confirmed, trying, rejected } = rollout;
  if (confirmed.has(id) && !rejected.has(id)) return rollout;
  return {
    ...rollout,
    confirmed: new Set([...confirmed, id]),
    trying: without(trying, id),
    rejected: dropped(rejected, id),
  };
}

/**
 * Whether a machine may get the offer to try the version now: one first, then as many at once as have confirmed it, which doubles; none
 * once a machine has rejected it, or when several never came back.
 */
export function mayTry(rollout: AgentRollout, id: MachineId, nowMs: number): boolean {
  const { confirmed, trying, rejected, postponed } = rollout;
  if (rejected.size > 0 || nowMs < (postponed.get(id) ?? 0)) return false;
  const others = [...trying].filter(([other]) => other !== id);
  const silent = others.filter(([, sinceMs]) => nowMs - sinceMs >= rolloutLimits.silentMs).length;
  if (silent >= Math.max(rolloutLimits.silent, confirmed.size)) return false;
  return others.length - silent < Math.max(1, confirmed.size);
}

function without<T>(map: ReadonlyMap<MachineId, T>, id: MachineId): ReadonlyMap<MachineId, T> {
  return map.has(id) ? new Map([...map].filter(([other]) => other !== id)) : map;
}

function dropped(set: ReadonlySet<MachineId>, id: MachineId): ReadonlySet<MachineId> {
  return set.has(id) ? new Set([...set].filter((other) => other !== id)) : set;
}
