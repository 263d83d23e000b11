import type { Refusal } from "../core/machine/event.ts";
import type { MachineId } from "../core/machine/record.ts";
import type { Clock, Random, Store } from "../core/ports.ts";
import { hashSecret, newSecret } from "./credential.ts";

export type IssuedOrder =
  | { readonly kind: "issued"; readonly token: string }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Makes the token that goes into a machine's boot script; the record keeps its hash. Refused as the machine's state says. */
export function orderIssuer(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly orderSeconds: number;
}): (id: MachineId) => Promise<IssuedOrder> {
  const { store, clock, random, orderSeconds } = deps;
  return async (id) => {
    const token = newSecret(random);
    const expiresAtMs = clock.nowMs() + orderSeconds * 1000;
    const decision = await store.apply({ kind: "orderIssued", id, tokenHash: hashSecret(token), expiresAtMs });
    return decision.kind === "refused" ? decision : { kind: "issued", token };
  };
}
