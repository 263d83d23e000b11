import type { Agenda } from "./agenda.ts";

/**
 * The processors of a computer on which several machines are virtual: they share them. A machine of metal has its own, and needs no
 * host.
 */
export type Host = {
  /**
   * Begins work that keeps this many processors busy while it has them; called back at once and whenever its pace changes: 1 is
   * that of a machine alone. The returned function ends it.
   */
  readonly join: (demand: number, paced: (pace: number) => void) => () => void;
};

/** A host with this many processors for its machines, none of which works yet. */
export function openHost(processors: number): Host {
  const working = new Map<(pace: number) => void, number>();

  /** All have the same part of the processor time that they ask for; the time in which they wait for other things is unchanged. */
  function repace(): void {
    const wanted = [...working.values()].reduce((sum, demand) => sum + demand, 0);
    const stretch = Math.max(1, wanted / processors);
    for (const [paced, demand] of [...working]) {
      const busy = Math.min(1, demand);
      paced(1 / (1 - busy + busy * stretch));
    }
  }
  return {
    join: (demand, paced) => {
      working.set(paced, demand);
      repace();
      return () => {
        if (working.delete(paced)) repace();
      };
    },
  };
}

/** Does work that takes this long alone; then calls back. The returned function ends it early. */
export function workOn(
  { agenda, host }: { readonly agenda: Agenda; readonly host: Host },
  { ms, demand }: { readonly ms: number; readonly demand: number },
  done: () => void,
): () => void {
  let left = ms;
  let since = { atMs: agenda.nowMs(), pace: 1 };
  let cancel = () => {};
  const leave = host.join(demand, (pace) => {
    const atMs = agenda.nowMs();
    left -= (atMs - since.atMs) * since.pace;
    since = { atMs, pace };
    cancel();
    cancel = agenda.after(left / pace, () => {
      leave();
      done();
    });
  });
  return () => {
    cancel();
    leave();
  };
}
