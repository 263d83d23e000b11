/**
 * birther-agent: brings this machine to its required image and keeps it there. Directly after a birth it is PID 1 and
 * the only process; in the booted image it is a service. `--root DIRECTORY` manages another tree, `--once` exits when
 * nothing is left to do (tests).
 */
import { runAgent } from "./run-agent.ts";

const root = scriptArgs.includes("--root") ? (scriptArgs[scriptArgs.indexOf("--root") + 1] ?? "") : "";
runAgent({ root, once: scriptArgs.includes("--once") });
