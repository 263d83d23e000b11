import type { MachineId } from "../../core/machine/record.ts";
import { putNewest } from "../../core/newest.ts";
import type { Log, Store } from "../../core/ports.ts";
import { imagePaths } from "../../core/pxe/script/ipxe.ts";

/** Which machines' firmware is asked for the disks that it sees. */
export type AskedFirmware = {
  /** Whether a boot script asks it; that counts as a question. */
  readonly mayAsk: (id: MachineId) => boolean;
  /** A machine asks for a file. */
  readonly requested: (clientAddress: string, path: string) => void;
};

/** Once may be chance: a power cut, a cable. */
const mostHangs = 2;
/** Limit of machines that are tracked; the oldest are forgotten. */
const machineLimit = 65_536;

/**
 * A firmware whose drivers hang when they are connected must not keep its machine from being born: UEFI's watchdog resets it after
 * five minutes (SetWatchdogTimer). One that was asked in two starts, and fetched no kernel after either, is not asked again.
 */
export function openAskedFirmware({
  store,
  log,
}: {
  readonly store: Pick<Store, "find">;
  readonly log: Log;
}): AskedFirmware {
  /** Starts in a row after which a machine did not ask for the kernel. */
  const hangs = new Map<MachineId, number>();
  return {
    mayAsk: (id) => {
      const before = hangs.get(id) ?? 0;
      if (before > mostHangs) return false;
      putNewest(hangs, [id, before + 1], machineLimit);
      if (before < mostHangs) return true;
      log("warn", "a firmware that is asked which disks it sees does not go on: it is not asked again", {
        machine: id,
      });
      return false;
    },
    requested: (clientAddress, path) => {
      if (path !== imagePaths.kernel || hangs.size === 0) return;
      const id = store.find(clientAddress)?.id;
      if (id !== undefined && (hangs.get(id) ?? 0) <= mostHangs) hangs.delete(id);
    },
  };
}
