import { defaultDeadlineSeconds } from "../../core/machine/health/deadlines.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { openDominatorMdb } from "./dominator-mdb.ts";
import { type Exports, openExports } from "./exports.ts";
import { meterStore } from "./store-meter.ts";

/** The exports of a store without a Boot Server, as in tests and benchmarks. */
export function openLoneExports(store: Store, clock: Clock): Exports & { readonly store: Store } {
  const metered = meterStore(store, clock);
  const mdb = openDominatorMdb(metered.store);
  const exports = openExports({
    ...{ store: metered.store, clock, version: "test", dominator: { mdb }, meter: metered.meter, checks: [] },
    deadlineSeconds: defaultDeadlineSeconds,
    boot: {
      networks: () => [],
      traffic: () => ({ tftp: { transfers: {}, bytes: 0 }, http: { answers: {}, bytes: 0 } }),
    },
  });
  return {
    ...exports,
    store: metered.store,
    [Symbol.dispose]: () => {
      exports[Symbol.dispose]();
      mdb[Symbol.dispose]();
    },
  };
}
