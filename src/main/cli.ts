/** The `birther` command: runs its verb, and prints why it failed. */

import { exitStatus, statusOf } from "../cli/api/failure.ts";
import { warn } from "../cli/output/warn.ts";
import { errorCode } from "../core/error-code.ts";
import { causes } from "../log/causes.ts";
import { birtherProgram } from "./program.ts";

/** The next step after the kernel has refused something to a user who is not root. */
function permissionAdvice(error: unknown): string {
  if (process.getuid?.() === 0 || statusOf(error) !== exitStatus.failed) return "";
  for (let at = error; at instanceof Error; at = at.cause) {
    if (["EACCES", "EPERM"].includes(errorCode(at)))
      return "\nrun the command as root or as the user of the server: sudo birther …";
  }
  return "";
}

// A reader that closes the pipe (`| head`) is not an error: what the verb has found so far decides.
process.stdout.on("error", (error) => {
  if (errorCode(error) === "EPIPE") process.exit();
  throw error;
});

try {
  await birtherProgram().parseAsync();
} catch (error) {
  // Log lines of this turn come first (line-writer.ts).
  await new Promise((resolve) => setImmediate(resolve));
  warn(`birther: ${causes(error)}${permissionAdvice(error)}`);
  process.exitCode = statusOf(error);
}
