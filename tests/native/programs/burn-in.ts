// The burn-in's tests of CPU and memory, as the test asks for them; prints one JSON object.
import * as host from "host";
import { readText } from "../../../src/init/system/files.ts";

/** The unit of the kernel's times, the same on every Linux of ours (getconf CLK_TCK). */
const ticksPerSecond = 100;

function message(action: () => unknown) {
  try {
    action();
    return "no error";
  } catch (error) {
    return error instanceof Error ? error.message : `not an Error: ${error}`;
  }
}

const mebibytes = Number(scriptArgs[2]);

function timed<Result>(work: () => Result) {
  const startMs = host.monotonicMs();
  return { ...work(), seconds: (host.monotonicMs() - startMs) / 1000, cpuSeconds: cpuSeconds() };
}

/** What all threads of this process have computed, those that have ended too (proc_pid_stat(5): utime and stime). */
function cpuSeconds(): number {
  const [user = "", system = ""] = readText("/proc/self/stat").split(") ")[1]?.split(" ").slice(11) ?? [];
  return (Number(user) + Number(system)) / ticksPerSecond;
}

const notified: number[] = [];
const results = {
  limited: () => timed(() => host.memoryTest(mebibytes, 1_000_000, 1)),
  wrong: () => host.memoryTest(mebibytes, 1_000_000, 8),
  notified: () => timed(() => ({ ...host.cpuTest(11, (share) => void notified.push(share)), notified })),
  thrown: () => {
    const reason = message(() =>
      host.cpuTest(10, () => {
        notified.push(0);
        throw new Error("the caller has enough");
      }),
    );
    return { reason, calls: notified.length, later: host.cpuTest(0.1).agreed };
  },
};
print(JSON.stringify(results[scriptArgs[1] as keyof typeof results]()));
