/**
 * The permissions of an operator: to read; to change machines; to manage tokens. Each role includes the ones before it.
 */
export const roles = ["viewer", "operator", "admin"] as const;
export type Role = (typeof roles)[number];
