import type { Config } from "./schema.ts";

/** Whether an external Dominator updates the machines after their first image: as configured, else whether one reads an export. */
export function othersUpdate({ exports }: Pick<Config, "exports">): boolean {
  const { updatesBy, dominatorMdbFile, dominatorMdbByHttp } = exports;
  const isRead = dominatorMdbFile !== undefined || dominatorMdbByHttp;
  return (updatesBy ?? (isRead ? "dominator" : "birther")) === "dominator";
}
