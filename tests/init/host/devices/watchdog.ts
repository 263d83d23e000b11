import type { Alarm, Cpu } from "../system/cpu.ts";
import type { OpenFile } from "../system/descriptors.ts";
import { fault } from "../system/errno.ts";

/**
 * The hardware watchdog: armed by opening it, disarmed by a magic close; it resets the machine when it is not petted.
 */
export type WatchdogHardware = {
  readonly open: (path: string) => OpenFile;
  /** Its time-out in seconds while it is armed. */
  readonly armedSeconds: () => number | undefined;
};

const firstSeconds = 30;

/** A watchdog that is not open. */
export function makeWatchdog(cpu: Cpu): WatchdogHardware {
  let seconds = firstSeconds;
  let alarm: Alarm | undefined;
  let isOpen = false;
  let magic = false;

  function disarm(): void {
    if (alarm !== undefined) cpu.alarms.delete(alarm);
    alarm = undefined;
  }
  function pet(): void {
    disarm();
    const bite = () => cpu.end({ kind: "reset", by: "watchdog" });
    alarm = { atMs: cpu.monotonicMs() + seconds * 1000, ring: bite };
    cpu.alarms.add(alarm);
  }
  return {
    armedSeconds: () => (alarm === undefined ? undefined : seconds),
    open: (path) => {
      if (isOpen) throw fault("EBUSY");
      isOpen = true;
      magic = false;
      pet();
      return {
        about: path,
        write: (bytes) => {
          magic = bytes.includes("V".charCodeAt(0));
          pet();
          return bytes.length;
        },
        setTimeout: (wanted) => {
          seconds = wanted;
          pet();
        },
        close: () => {
          isOpen = false;
          if (magic) disarm();
        },
      };
    },
  };
}
