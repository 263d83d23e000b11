import { RebootPace } from "../../core/fleet/reboot-pace.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { Store } from "../../core/ports.ts";

/** Whose turn it is to restart; every server on a database counts the restarts that any of them ordered. */
export type Reboots = { readonly mayReboot: (machine: Machine) => boolean };

/** Counts the restarts of a store's fleet until it is disposed. */
export function openReboots(store: Pick<Store, "list" | "watch" | "get">): Reboots & Disposable {
  const pace = new RebootPace();
  for (const machine of store.list()) pace.note(machine);
  const unwatch = store.watch(({ machine: { id }, absorbed = [] }) => {
    for (const gone of absorbed) pace.forget(gone);
    const machine = store.get(id);
    if (machine === undefined) pace.forget(id);
    else pace.note(machine);
  });
  return { mayReboot: (machine) => pace.mayReboot(machine), [Symbol.dispose]: unwatch };
}
