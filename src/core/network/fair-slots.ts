/** Few slots for what costs a server much, and how they are shared: a machine that has used one waits behind those that have not. */
export type FairSlots = {
  readonly limit: number;
  /** Who has a slot, since when. */
  readonly holders: Map<string, { readonly network: string; readonly sinceMs: number }>;
  /** Who asked and did not get one. */
  readonly line: Map<string, Waiting>;
  /** How long each has had slots lately. */
  readonly used: Map<string, Use>;
};

type Waiting = {
  readonly network: string;
  readonly firstAskedMs: number;
  /** Until then it counts: it was told to ask again before. */
  readonly presentUntilMs: number;
};
type Use = { readonly usedMs: number; readonly endedMs: number };

/** Who asks. Machines of a network with fewer slots come first, so that one network cannot have all of them. */
export type SlotRequest = { readonly id: string; readonly network: string; readonly nowMs: number };

/** Whether a slot is given, or when to ask again. */
export type SlotAnswer = { readonly kind: "go" } | { readonly kind: "wait"; readonly retryAfterSeconds: number };

/** After this time, the use of a slot no longer counts. */
const rememberedMs = 3_600_000;
/** One that is late by this much loses no place, but no slot is kept for it. */
const lateMs = 5000;
/** One that has not asked for this long has given up. */
const goneMs = 120_000;
const retrySeconds = { least: 5, most: 60, each: 2 } as const;

/** Nobody has a slot. */
export function newFairSlots(limit: number): FairSlots {
  return { limit, holders: new Map(), line: new Map(), used: new Map() };
}

/**
 * Gives a free slot to the first of those that wait, and only to it: who asks most often gains nothing. First are machines of the
 * network with the fewest slots, then those that had slots for the shortest time, then those that have waited longest.
 */
export function askForSlot(slots: FairSlots, request: SlotRequest): SlotAnswer {
  const { holders, line, limit } = slots;
  const { id, network, nowMs } = request;
  if (holders.has(id)) return { kind: "wait", retryAfterSeconds: retrySeconds.least };
  forget(slots, nowMs);
  const firstAskedMs = line.get(id)?.firstAskedMs ?? nowMs;
  const own = rankOf(slots, { id, network, firstAskedMs, nowMs });
  let before = 0;
  for (const [other, waiting] of line)
    if (
      other !== id &&
      waiting.presentUntilMs >= nowMs &&
      comesBefore(rankOf(slots, { id: other, ...waiting, nowMs }), own)
    )
      before += 1;
  if (before < limit - holders.size) {
    line.delete(id);
    holders.set(id, { network, sinceMs: nowMs });
    return { kind: "go" };
  }
  const retryAfterSeconds = Math.min(retrySeconds.most, retrySeconds.least + before * retrySeconds.each);
  line.set(id, { network, firstAskedMs, presentUntilMs: nowMs + retryAfterSeconds * 1000 + lateMs });
  return { kind: "wait", retryAfterSeconds };
}

/** Takes a slot back; what its holder used counts against it. */
export function endSlot({ holders, used }: FairSlots, id: string, nowMs: number): void {
  const held = holders.get(id);
  if (held === undefined) return;
  holders.delete(id);
  used.set(id, { usedMs: usedBy(used.get(id), nowMs) + Math.max(1, nowMs - held.sinceMs), endedMs: nowMs });
}

type Rank = readonly [networkHolds: number, usedMs: number, firstAskedMs: number];

function rankOf(
  { holders, used }: FairSlots,
  of: { readonly id: string; readonly network: string; readonly firstAskedMs: number; readonly nowMs: number },
): Rank {
  let holds = 0;
  for (const { network } of holders.values()) if (network === of.network) holds += 1;
  return [holds, usedBy(used.get(of.id), of.nowMs), of.firstAskedMs];
}

function comesBefore(one: Rank, other: Rank): boolean {
  for (const [index, value] of one.entries()) {
    const beside = other[index] ?? 0;
    if (value !== beside) return value < beside;
  }
  return false;
}

/** Use counts less the longer ago it was. */
function usedBy(use: Use | undefined, nowMs: number): number {
  return use === undefined ? 0 : use.usedMs * Math.max(0, 1 - (nowMs - use.endedMs) / rememberedMs);
}

function forget({ line, used }: FairSlots, nowMs: number): void {
  for (const [id, { presentUntilMs }] of line) if (presentUntilMs + goneMs < nowMs) line.delete(id);
  for (const [id, use] of used) if (nowMs - use.endedMs > rememberedMs) used.delete(id);
}
