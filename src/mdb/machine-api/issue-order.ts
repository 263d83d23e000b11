import type { Clock, IssueOrder, Random, Store } from "../../core/ports.ts";
import { hashSecret, newSecret } from "../http/credential.ts";

/**
 * Issues the token for a machine's boot script; the record stores its hash. Refused if the machine's state does not
 * allow it.
 */
export function orderIssuer(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly orderSeconds: number;
}): IssueOrder {
  const { store, clock, random, orderSeconds } = deps;
  return async (id) => {
    const token = newSecret(random);
    const expiresAtMs = clock.nowMs() + orderSeconds * 1000;
    const decision = await store.apply({ kind: "orderIssued", id, tokenHash: hashSecret(token), expiresAtMs });
    if (decision.kind === "refused") return { kind: "refused", refusal: decision.refusal };
    return { kind: "issued", token };
  };
}
