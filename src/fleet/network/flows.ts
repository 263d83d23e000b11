import type { Agenda } from "../engine/agenda.ts";

/** One direction of a cable, or what a server can send: flows over it share it fairly. */
export type Link = {
  readonly name: string;
  /** Whether what it carries is counted: most links are those of machines, which no report names. */
  readonly isCounted: boolean;
  /** 0 while it is cut. */
  bytesPerMs: number;
  readonly flows: Set<Flow>;
  /** What it has carried. */
  sentBytes: number;
  /** How long it was full, in milliseconds of virtual time. */
  busyMs: number;
  /** What it carries in the present tick. */
  tickBytes: number;
};

export function openLink(name: string, bytesPerSecond: number, isCounted = true): Link {
  return {
    name,
    isCounted,
    bytesPerMs: bytesPerSecond / 1000,
    flows: new Set(),
    sentBytes: 0,
    busyMs: 0,
    tickBytes: 0,
  };
}

/** How far a transfer is. */
export type Progress = { doneBytes: number };

/** A transfer of bytes. */
export type Flow = {
  readonly links: readonly Link[];
  /** What the slower of its ends takes, such as a disk. */
  limitBytesPerMs: number;
  readonly totalBytes: number;
  readonly progress: Progress;
  rate: number;
  /** What its source has, which may still grow; a source without it has everything. */
  readonly source?: Readonly<Progress> | undefined;
  readonly finished: () => void;
};

/** A transfer that goes on. */
export type Running = {
  /** Ends it early. */
  readonly stop: () => void;
  /** Sets what its ends take from now on. */
  readonly limitTo: (bytesPerMs: number) => void;
};

/** All transfers of a site. */
export type Flows = {
  readonly start: (flow: Omit<Flow, "rate">) => Running;
  /** The capacity of a link has changed. */
  readonly changed: (link: Link) => void;
};

/** Rates and progress are computed at this interval; the end of a transfer is exact for its rate within it. */
export const tickMs = 50;

/** Transfers share each link max-min fairly, as many TCP connections roughly do; latency is not part of it. */
export function openFlows(agenda: Agenda): Flows {
  const active = new Set<Flow>();
  const dirty = new Set<Link>();
  const used: Link[] = [];
  let isTicking = false;

  function wake(): void {
    if (isTicking) return;
    isTicking = true;
    agenda.after(tickMs, tick);
  }
  function remove(flow: Flow): void {
    if (!active.delete(flow)) return;
    for (const link of flow.links) {
      link.flows.delete(flow);
      dirty.add(link);
    }
  }
  /** Plain loops over fields: most of the time of a large simulation with peers is spent here. */
  function send(flow: Flow): void {
    const { progress, source, totalBytes, links } = flow;
    const had = source === undefined || source.doneBytes > totalBytes ? totalBytes : source.doneBytes;
    const sent = Math.min(flow.rate * tickMs, had - progress.doneBytes);
    if (sent > 0) {
      progress.doneBytes += sent;
      for (const link of links) {
        if (!link.isCounted) continue;
        if (link.tickBytes === 0) used.push(link);
        link.tickBytes += sent;
      }
    }
    if (progress.doneBytes < totalBytes) return;
    remove(flow);
    agenda.after(flow.rate > 0 ? Math.max(0, sent) / flow.rate : 0, flow.finished);
  }
  function tick(): void {
    isTicking = false;
    share(dirty);
    dirty.clear();
    for (const flow of active) send(flow);
    for (const link of used.splice(0)) {
      if (link.tickBytes > 0.95 * link.bytesPerMs * tickMs) link.busyMs += tickMs;
      link.sentBytes += link.tickBytes;
      link.tickBytes = 0;
    }
    if (active.size > 0) wake();
  }
  return {
    start: (given) => {
      const flow: Flow = { ...given, rate: 0 };
      active.add(flow);
      for (const link of flow.links) {
        link.flows.add(flow);
        dirty.add(link);
      }
      wake();
      return {
        stop: () => remove(flow),
        limitTo: (bytesPerMs) => {
          flow.limitBytesPerMs = bytesPerMs;
          for (const link of flow.links) if (active.has(flow)) dirty.add(link);
        },
      };
    },
    changed: (link) => {
      dirty.add(link);
      wake();
    },
  };
}

/** Shares the links that flows have in common with these. */
function share(dirty: ReadonlySet<Link>): void {
  const seen = new Set<Link>();
  for (const link of dirty) {
    if (seen.has(link)) continue;
    const links = [link];
    const flows = new Set<Flow>();
    seen.add(link);
    for (const at of links)
      for (const flow of at.flows) {
        if (flows.has(flow)) continue;
        flows.add(flow);
        for (const next of flow.links) {
          if (seen.has(next)) continue;
          seen.add(next);
          links.push(next);
        }
      }
    fill(links, flows);
  }
}

/** Progressive filling: the link or the end that allows least decides first. */
function fill(links: readonly Link[], flows: Set<Flow>): void {
  const left = new Map(links.map((link) => [link, { bytes: link.bytesPerMs, flows: link.flows.size }]));
  const waiting = [...flows].sort((one, other) => one.limitBytesPerMs - other.limitBytesPerMs);
  let at = 0;
  const settled = new Set<Flow>();
  const settle = (flow: Flow, rate: number) => {
    flow.rate = rate;
    settled.add(flow);
    for (const link of flow.links) {
      const of = left.get(link);
      if (of === undefined) continue;
      of.bytes = Math.max(0, of.bytes - rate);
      of.flows -= 1;
    }
  };
  while (settled.size < flows.size) {
    let least: Link | undefined;
    let fair = Number.POSITIVE_INFINITY;
    for (const [link, of] of left) {
      if (of.flows === 0) left.delete(link);
      else if (of.bytes / of.flows < fair) {
        fair = of.bytes / of.flows;
        least = link;
      }
    }
    while (at < waiting.length && settled.has(waiting[at] as Flow)) at += 1;
    const slowest = waiting[at];
    if (slowest !== undefined && slowest.limitBytesPerMs <= fair) settle(slowest, slowest.limitBytesPerMs);
    else if (least === undefined) break;
    else for (const flow of least.flows) if (!settled.has(flow)) settle(flow, fair);
  }
}
