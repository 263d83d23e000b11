import { userInfo } from "node:os";

/** The user of this process as the audit names a caller on the server's socket; a user without a name by the number. */
export function localCaller(): string {
  try {
    return `uid:${userInfo().username}`;
  } catch {
    return `uid:${process.getuid?.() ?? "unknown"}`;
  }
}
