/** Builds what the birth of this suite needs of the outer network: both Bootstrap Images and the arm64 system image. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareArm64 } from "./prepare-state.ts";
import { sayWithTime } from "./say.ts";

// What a build has mounted is unmounted before this process ends.
const interrupted = new AbortController();
process.once("SIGTERM", () => interrupted.abort(new Error("interrupted")));

const directory = await mkdtemp(join(tmpdir(), "birther-arm64-"));
const say = sayWithTime();
try {
  await prepareArm64(directory, (_level, message, facts) => say(message, facts), interrupted.signal);
} finally {
  await rm(directory, { recursive: true });
}
