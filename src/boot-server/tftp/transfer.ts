import type { Clock } from "../../core/ports.ts";
import { stepTransfer, type TransferEnd, type TransferEvent, type TransferStep } from "../../core/tftp/transfer.ts";
import type { Peer } from "../socket/mmsghdr.ts";
import type { TftpPort } from "./port.ts";

/** A running transfer: it receives events until it ends or is closed. */
export type RunningTransfer = { readonly take: (event: TransferEvent) => void; readonly close: () => void };

/** Runs one transfer over its port: sends what each step returns, and wakes it when it requests that. */
export function runTransfer(of: {
  readonly first: TransferStep;
  readonly file: Uint8Array;
  readonly port: TftpPort;
  readonly to: { readonly peer: Peer; readonly blockBytes: number };
  readonly clock: Clock;
  readonly ended: (end: TransferEnd) => void;
}): RunningTransfer {
  const { file, port, to, clock, ended } = of;
  let step = of.first;
  let timer: NodeJS.Timeout | undefined;
  let timerAtMs = Number.POSITIVE_INFINITY;
  let open = true;

  const close = (): void => {
    open = false;
    clearTimeout(timer);
  };
  const runStep = (): void => {
    for (const what of step.send) port.send(what, file, to);
    if (step.kind === "going") {
      armTimer(step.transfer.wakeAtMs);
      return;
    }
    close();
    ended(step.end);
  };
  /** A timer that fires too early rearms itself: a new one for each of thousands of ACKs per second would cost more. */
  const armTimer = (wakeAtMs: number): void => {
    if (wakeAtMs >= timerAtMs) return;
    clearTimeout(timer);
    timerAtMs = wakeAtMs;
    timer = setTimeout(wake, Math.max(1, wakeAtMs - clock.monotonicMs()));
  };
  const wake = (): void => {
    timerAtMs = Number.POSITIVE_INFINITY;
    take({ kind: "woken" });
  };
  const take = (event: TransferEvent): void => {
    if (!open || step.kind === "ended") return;
    step = stepTransfer(step.transfer, event, clock.monotonicMs());
    runStep();
  };

  runStep();
  return { take, close };
}
