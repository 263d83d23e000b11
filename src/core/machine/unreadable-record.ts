import type { UnreadableRecord } from "../ports.ts";
import type { Refusal } from "./event.ts";

/** The refusal of whatever concerns a machine whose record cannot be read: its fault, and how to repair it. */
export function refuseUnreadable({ id, fault, newer }: UnreadableRecord): Refusal {
  if (newer)
    return {
      kind: "unreadableRecord",
      message: `a newer version of Birther wrote the record of ${id} in the MDB: ${fault}`,
      next: "update this server to the version of the newest server on this database",
    };
  return {
    kind: "unreadableRecord",
    message: `the record of ${id} in the MDB is invalid: ${fault}`,
    next: `restore a backup (birther mdb restore), or correct the document of ${id} in the table machines and restart the server`,
  };
}
