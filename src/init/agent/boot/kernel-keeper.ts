import * as host from "host";
import { confirmKernel } from "../../../core/image/boot/kernel-trial.ts";
import { messageOf } from "../../birth/stop.ts";
import { isPidOne } from "../pid-one.ts";
import type { SubContext } from "../sub-context.ts";
import { readPatchedImage } from "../update/state.ts";
import { deriveBootPartition } from "./derive.ts";
import { readKernelRecord, runningKernel, saveKernelRecord } from "./kernel-record.ts";

/** Keeps the boot partition equal to /boot on the root, also after a local change of /boot. */
export type KernelKeeper = {
  /** Compares the two, if that is due. */
  readonly check: () => void;
  /** The server has answered: confirms the running kernel. Returns whether it was not confirmed before. */
  readonly confirm: () => boolean;
};

const checkEveryMs = 3_600_000;

/** The keeper of a machine; it does nothing in the former layout, in which GRUB reads /boot itself. */
export function openKernelKeeper(context: SubContext): KernelKeeper {
  const { mountPoint } = context.settings.boot;
  return mountPoint === undefined ? { check: () => undefined, confirm: () => false } : keeperOf(context, mountPoint);
}

function keeperOf(context: SubContext, mountPoint: string): KernelKeeper {
  const { root, log } = context;
  let nextMs = Number.NEGATIVE_INFINITY;

  function check(): void {
    if (isPidOne() || host.monotonicMs() < nextMs) return;
    nextMs = host.monotonicMs() + checkEveryMs;
    const image = readPatchedImage(root);
    // During an update /boot may hold half of each image.
    if (image === undefined) return;
    try {
      deriveBootPartition(context, { mountPoint, image, going: new Set(), isRequired: false });
    } catch (error) {
      log("warn", "the boot partition does not follow /boot", { fault: messageOf(error) });
    }
  }
  function confirm(): boolean {
    const running = runningKernel();
    if (running === undefined) return false;
    const before = readKernelRecord(root);
    const confirmed = confirmKernel(before, running);
    if (confirmed === before) return false;
    saveKernelRecord(root, confirmed);
    log("info", "the running kernel is confirmed", { id: running });
    nextMs = Number.NEGATIVE_INFINITY;
    check();
    return true;
  }
  return { check, confirm };
}
