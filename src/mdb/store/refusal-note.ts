import { nameOf } from "../../core/machine/life/move.ts";
import type { Log } from "../../core/ports.ts";
import type { Outcome } from "./fleet-memory.ts";
import type { LogLines } from "./log-lines.ts";

/**
 * A refusal leaves no event, because anyone who can reach the port could fill the disk. It goes to the log and to the
 * machine's lines.
 */
export function noteRefusal(
  { log, lines }: { readonly log: Log; readonly lines: Pick<LogLines, "note"> },
  { decision, subject }: Outcome,
  kind: string,
): void {
  if (decision.kind !== "refused") return;
  const { refusal } = decision;
  const machine = subject ?? decision.machine;
  const level = refusal.kind === "wrongState" ? "debug" : "warn";
  log(level, `refused: ${refusal.message}`, {
    ...{ event: kind, kind: refusal.kind, next: refusal.next },
    ...(machine && { machine: nameOf(machine) }),
  });
  if (machine !== undefined && level === "warn") {
    lines.note(machine.id, `refused ${kind}: ${refusal.message}; ${refusal.next}`);
  }
}
