/** The code of a system or library error, such as `ENOENT`; empty if what was thrown has none. */
export function errorCode(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
}
