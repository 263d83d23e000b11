import type { Role } from "../../../contract/operator/role.ts";

/** Who asks, as the audit will name them, and what they may do. */
export type Caller = { readonly name: string; readonly role: Role };
