import assert from "node:assert/strict";
import { findNginx } from "../../src/dominator/origin/nginx.ts";

/** The programs that can serve contents; `nginx` is its path, and fails where it is not installed, so that no test passes without it. */
export const originEngines = [
  { servedBy: "nginx", nginx: () => findNginx() ?? assert.fail("nginx: expected it to be installed") },
  { servedBy: "birther", nginx: () => undefined },
] as const;
