/** The watchdog process: `birther-js watchdog.js`, with the read end of PID 1's pipe as its standard input. */
import { runWatchdog } from "./run-watchdog.ts";

runWatchdog();
