import type { Role } from "../../../contract/operator/role.ts";

/** The caller of a request, as the audit names it, and its role. */
export type Caller = { readonly name: string; readonly role: Role };
