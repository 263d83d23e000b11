import type { Command } from "commander";
import type { StatusView, StreamView } from "../../contract/operator/views.ts";
import type { Inconsistency } from "../../core/machine/check.ts";
import { machineStates } from "../../core/machine/record.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatDuration } from "../output/figures.ts";

/** Adds `status`: summarises server and fleet, and reports inconsistent records. */
export function statusCommand(program: Command): void {
  const command = program
    .command("status")
    .description("summarise the server and the fleet; exit with status 1 if records are inconsistent");
  serverOptions(command).action(async (options: ServerOptions) => {
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const status = await api.ask<StatusView>("status");
    const { inconsistencies } = await api.ask<{ inconsistencies: Inconsistency[] }>("check");
    const { streams } = await api.ask<{ streams: StreamView[] }>("streams");
    if (options.output === "json") printJson({ ...status, inconsistencies, streams });
    else print(...statusText(status, inconsistencies), ...streams.flatMap(promotionText));
    if (inconsistencies.length > 0) process.exitCode = 1;
  });
}

/** What `status` prints about a stream whose version is changing. */
export function promotionText({ stream, current, machines, onCurrent, moving, promotion }: StreamView): string[] {
  if (promotion !== undefined) {
    const { image, canary, progress } = promotion;
    return [`${stream}: ${image} on ${canary} ${progress.kind}: ${progress.reason}; the others stay on ${current}`];
  }
  return moving === true || onCurrent < machines
    ? [`${stream}: ${onCurrent} of ${machines} machines run the current version ${current}`]
    : [];
}

/** What `status` prints. */
export function statusText(status: StatusView, inconsistencies: readonly Inconsistency[]): string[] {
  const { version, startedAtMs, nowMs, machines } = status;
  const total = Object.values(machines).reduce((sum, count) => sum + count, 0);
  const counts = machineStates.filter((state) => machines[state]).map((state) => `${machines[state]} ${state}`);
  return [
    `birther ${version}, running for ${formatDuration(Math.max(0, nowMs - startedAtMs))}`,
    `${total} machines${counts.length === 0 ? "" : `: ${counts.join(", ")}`}`,
    ...(inconsistencies.length === 0
      ? ["no inconsistencies"]
      : inconsistencies.map(({ message }) => `inconsistent: ${message}`)),
  ];
}
