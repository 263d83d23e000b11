import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { MetricFamily } from "../../core/export/exposition.ts";

/** Metrics of this process, under the names that Prometheus' client libraries use. */
export function processMetrics(): Disposable & { readonly families: () => MetricFamily[] } {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const startSeconds = Date.now() / 1000 - process.uptime();
  const gauge = (name: string, help: string, value: number): MetricFamily => {
    return { name, help, kind: "gauge", samples: [{ value }] };
  };
  return {
    families: () => {
      const { user, system } = process.cpuUsage();
      const { rss, heapUsed, external } = process.memoryUsage();
      const delays = { p99: delay.percentile(99) / 1e9, max: delay.max / 1e9 };
      // The figures cover the time since the last scrape: an old stall must not stay visible.
      delay.reset();
      return [
        {
          name: "process_cpu_seconds_total",
          help: "User and system CPU time.",
          kind: "counter",
          samples: [{ value: (user + system) / 1e6 }],
        },
        gauge("process_resident_memory_bytes", "Memory in RAM.", rss),
        gauge("process_start_time_seconds", "When the process started, seconds since 1970.", startSeconds),
        gauge("process_open_fds", "Open file descriptors.", readdirSync("/proc/self/fd").length),
        gauge("nodejs_heap_size_used_bytes", "JavaScript heap in use.", heapUsed),
        gauge("nodejs_external_memory_bytes", "Memory of buffers outside of the heap.", external),
        gauge(
          "nodejs_eventloop_lag_p99_seconds",
          "99th percentile of the event loop delay since the last scrape.",
          delays.p99,
        ),
        gauge("nodejs_eventloop_lag_max_seconds", "Maximum event loop delay since the last scrape.", delays.max),
      ];
    },
    [Symbol.dispose]: () => void delay.disable(),
  };
}
