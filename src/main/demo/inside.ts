/**
 * The demo's first process inside its namespace (PID 1 there). Its argument is a DemoSession as JSON. The process
 * outside reports the number of signals it received over the IPC channel; that channel closes when the process outside
 * ends for any reason.
 */

import { exitStatus } from "../../cli/api/failure.ts";
import { causes } from "../../log/causes.ts";
import { type DemoSession, runDemoSession } from "./session.ts";

const stop = Promise.withResolvers<void>();
let received = 0;
let reported = 0;
const stopOnSignal = () => {
  // Ctrl-C reaches us directly and through the process outside: count it once.
  if (Math.max(received, reported) > 1) process.exit(exitStatus.interrupted);
  stop.resolve();
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    received += 1;
    stopOnSignal();
  });
}
process.on("message", (count) => {
  reported = Number(count);
  stopOnSignal();
});
process.on("disconnect", () => process.exit(exitStatus.interrupted));

try {
  process.exit(await runDemoSession(JSON.parse(process.argv[2] ?? "") as DemoSession, stop.promise));
} catch (error) {
  process.stderr.write(`demo: ${causes(error)}\n`);
  process.exit(1);
}
