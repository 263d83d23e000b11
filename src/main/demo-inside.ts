/**
 * The demo's first process inside its namespace (PID 1 there). Its argument is a DemoSession as JSON; the process
 * outside tells it over the IPC channel to stop, and its end, however it comes about, closes that channel.
 */
import { causes } from "./demo-log.ts";
import { type DemoSession, interrupted, runDemoSession } from "./demo-session.ts";

const stop = Promise.withResolvers<void>();
let asked = 0;
const ask = () => {
  asked += 1;
  if (asked > 1) process.exit(interrupted);
  stop.resolve();
};
// Ctrl-C reaches us and the process outside at the same time; the one outside leaves it to us.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, ask);
process.on("message", ask);
process.on("disconnect", () => process.exit(interrupted));

try {
  process.exit(await runDemoSession(JSON.parse(process.argv[2] ?? "") as DemoSession, stop.promise));
} catch (error) {
  process.stderr.write(`demo: ${causes(error)}\n`);
  process.exit(1);
}
