/** What an operator may do: look; change machines; also say who may. Each may all that the one before may. */
export const roles = ["viewer", "operator", "admin"] as const;
export type Role = (typeof roles)[number];
