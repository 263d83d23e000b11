/** The configuration tool: PID 1 of the Bootstrap Image. It is born with the machine and ends as birther-agent, or starts again. */
import { runInit } from "./birth/run-init.ts";

runInit();
