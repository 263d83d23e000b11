import { machineArchitectures, namedArchitectures } from "../../core/machine/architecture.ts";
import { type Phase, phases } from "../../core/machine/phase.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { putNewest } from "../../core/newest.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { loaderFiles, signedImageFile } from "../../core/pxe/architecture.ts";
import { imagePathsOf } from "../../core/pxe/script/ipxe.ts";

const kernels: ReadonlySet<string> = new Set(machineArchitectures.map((each) => imagePathsOf(each).kernel));
/** The only archive of an image for another architecture. */
const otherInitramfses: ReadonlySet<string> = new Set(namedArchitectures.map((each) => imagePathsOf(each).initramfs));

/** Limit of kernel downloads that are tracked; the oldest are forgotten. */
const fetchLimit = 65_536;

/** Records which files a machine has requested and received: its loader, then kernel and initramfs. */
export function phaseReporter(deps: {
  readonly store: Store;
  /** The path that a loader fetches last. */
  readonly lastFile: string;
  readonly clock: Clock;
  readonly log: Log;
}): {
  readonly requested: (clientAddress: string, path: string) => void;
  readonly sent: (clientAddress: string, path: string, durationMs: number) => void;
} {
  const { store, lastFile, clock, log } = deps;
  const kernelAskedAtMs = new Map<MachineId, number>();

  function see(clientAddress: string, phase: Phase, detail: string, durationMs: number): void {
    const machine = store.find(clientAddress);
    // Later downloads of the same files are the burn-in's network test.
    if (machine?.phase === undefined || phases.indexOf(machine.phase) >= phases.indexOf(phase)) return;
    store.apply({ kind: "phaseSeen", id: machine.id, phase, detail, durationMs }).catch((error: unknown) => {
      log("error", "recording a phase failed", { machine: machine.id, phase, error: String(error) });
    });
  }

  return {
    requested: (clientAddress, path) => {
      const id = kernels.has(path) ? store.find(clientAddress)?.id : undefined;
      if (id === undefined) return;
      putNewest(kernelAskedAtMs, [id, clock.monotonicMs()], fetchLimit);
    },
    sent: (clientAddress, path, durationMs) => {
      if (loaderFiles.has(path.slice(1))) see(clientAddress, "loaderSent", path.slice(1), durationMs);
      if (path === `/${signedImageFile}`) see(clientAddress, "kernelSent", "signed image", durationMs);
      // Now the machine has the kernel and all archives.
      if (path !== lastFile && !otherInitramfses.has(path)) return;
      const id = store.find(clientAddress)?.id;
      const since = id === undefined ? undefined : kernelAskedAtMs.get(id);
      if (id !== undefined) kernelAskedAtMs.delete(id);
      const wholeMs = since === undefined ? durationMs : Math.round(clock.monotonicMs() - since);
      see(clientAddress, "kernelSent", "kernel and initramfs", wholeMs);
    },
  };
}
