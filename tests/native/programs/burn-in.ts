// The burn-in's tests of CPU and memory, as the test asks for them; prints one JSON object.
import * as host from "host";

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
  return { ...work(), seconds: (host.monotonicMs() - startMs) / 1000 };
}

const notified: number[] = [];
const results = {
  limited: () => timed(() => host.memoryTest(mebibytes, 1_000_000, 1)),
  wrong: () => host.memoryTest(mebibytes, 1_000_000, 8),
  notified: () => ({ ...host.cpuTest(11, (share) => void notified.push(share)), notified }),
  thrown: () => {
    const reason = message(() =>
      host.cpuTest(6, () => {
        notified.push(0);
        throw new Error("the caller has enough");
      }),
    );
    return { reason, calls: notified.length, later: host.cpuTest(0.1).agreed };
  },
};
print(JSON.stringify(results[scriptArgs[1] as keyof typeof results]()));
