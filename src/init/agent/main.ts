/**
 * birther-agent: brings this machine to its required image and keeps it there. Straight after a birth it is PID 1 and the only process;
 * in the booted image it is a service. `--root DIRECTORY` looks after another tree, `--once` ends when there is nothing to do (tests).
 */
import { runAgent } from "./run-agent.ts";

const root = scriptArgs.includes("--root") ? (scriptArgs[scriptArgs.indexOf("--root") + 1] ?? "") : "";
runAgent({ root, once: scriptArgs.includes("--once") });
