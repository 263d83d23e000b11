import type { Role } from "../../../core/role.ts";

/** The caller of a request, as the audit names it, and its role. */
export type Caller = { readonly name: string; readonly role: Role };
