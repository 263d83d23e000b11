import type { Directive } from "../../../core/image/update/directive.ts";
import { messageOf } from "../../birth/stop.ts";
import type { Turn } from "../objects/fetch-turn.ts";
import type { ObjectCache } from "../objects/object-cache.ts";
import type { Serving } from "../peers/serving.ts";
import { isPidOne } from "../pid-one.ts";
import type { Scan } from "../scan/scan.ts";
import type { SubContext } from "../sub-context.ts";
import { applyUpdate } from "./update.ts";

/**
 * Carries out an update. Its contents become files of the system: a machine that is being born serves them on meanwhile, under
 * second names, until it restarts. Where a workload may change the files, it stops serving them.
 */
export function updateServing(
  context: SubContext,
  of: {
    readonly cache: ObjectCache;
    readonly serving: Serving;
    /** The fetch before the update, if there was one. */
    readonly turn: Turn | undefined;
    readonly scan: Scan;
    /** Called after each step. */
    readonly progressed: (done: number, total: number) => void;
  },
  update: Extract<Directive, { kind: "update" }>,
): void {
  const { cache, serving, turn, scan, progressed } = of;
  if (turn === undefined || !isPidOne() || !serving.isOpen() || !keepServed(context, cache)) {
    serving.stop();
    applyUpdate(context, { cache, scan, progressed }, update);
    return;
  }
  const alive = () => {
    context.alive();
    turn.servesOn();
  };
  try {
    applyUpdate({ ...context, alive }, { cache, scan, progressed }, update);
  } catch (error) {
    serving.stop();
    cache.dropServed();
    throw error;
  }
}

/** False if there is no room for second names: serving others is no reason to fail. */
function keepServed({ log }: SubContext, cache: ObjectCache): boolean {
  try {
    cache.keepServed();
    return true;
  } catch (error) {
    log("warn", "the contents are not served while they are placed", { fault: messageOf(error) });
    cache.dropServed();
    return false;
  }
}
