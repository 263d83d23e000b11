/**
 * The demo's first process inside its namespace (PID 1 there). Its argument is a DemoSession as JSON; the process
 * outside tells it over the IPC channel how many signals it got, and its end, however it comes about, closes that channel.
 */
import { causes } from "../../log/causes.ts";
import { type DemoSession, interrupted, runDemoSession } from "./session.ts";

const stop = Promise.withResolvers<void>();
let heard = 0;
let notified = 0;
const heed = () => {
  // Ctrl-C reaches us directly and through the process outside: that is one.
  if (Math.max(heard, notified) > 1) process.exit(interrupted);
  stop.resolve();
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    heard += 1;
    heed();
  });
}
process.on("message", (count) => {
  notified = Number(count);
  heed();
});
process.on("disconnect", () => process.exit(interrupted));

try {
  process.exit(await runDemoSession(JSON.parse(process.argv[2] ?? "") as DemoSession, stop.promise));
} catch (error) {
  process.stderr.write(`demo: ${causes(error)}\n`);
  process.exit(1);
}
