import { fleetFault, fleetRows } from "../data/fleet.ts";
import { Link } from "./link.tsx";

/**
 * What an operator reads who sees no machine: because there is none yet, or because none fits. Nothing while they are read.
 * `shown` is how many are listed: all if it is absent.
 */
export function NoMachines({ shown = fleetRows().size }: { readonly shown?: number }) {
  if (shown > 0 || fleetFault.value !== undefined) return null;
  if (fleetRows().size > 0) return <p class="quiet">No machine fits.</p>;
  return (
    <p>
      No machine was heard yet. Switch one on whose network boot comes first: it appears here with its first packet. If
      it does not, <Link to="/networks">the networks</Link> say what was heard and why it got no answer.
    </p>
  );
}
