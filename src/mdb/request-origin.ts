import { AsyncLocalStorage } from "node:async_hooks";
import type { RequestOrigin } from "../core/ports.ts";

const origins = new AsyncLocalStorage<RequestOrigin>();

/**
 * Carries out an operator's request: the audit names it with everything that is written meanwhile, also in what goes on after the
 * answer. Here and not an argument, so that no handler can forget it.
 */
export function inRequest<T>(origin: RequestOrigin, act: () => T): T {
  return origins.run(origin, act);
}

/** The request that is being carried out, if it is one of an operator. */
export function requestNow(): { readonly request?: RequestOrigin } {
  const request = origins.getStore();
  return request === undefined ? {} : { request };
}
