/**
 * init: PID 1 of the Bootstrap Image. It carries out the birth, then becomes birther-agent, or restarts the machine.
 */
import { runInit } from "./birth/run-init.ts";

runInit();
