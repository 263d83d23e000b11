import * as os from "os";
import { releaseLine, restartLine, stepLine } from "../../core/birth/watchdog.ts";
import { encodeUtf8 } from "../../core/bytes/utf8.ts";
import { imagePaths } from "../../core/install/paths.ts";
import { checked } from "../system/errno.ts";
import { writeToDescriptor } from "../system/files.ts";

/** PID 1's end of the pipe to the watchdog process. */
export type WatchdogFeed = {
  /** Names the current step, and the seconds it may take before the machine is reset. */
  readonly step: (name: string, seconds: number) => void;
  /** Announces the restart of the machine. */
  readonly restarting: () => void;
  /** Disarms the hardware and ends the process; afterwards another process must arm it. */
  readonly release: () => void;
};

/** Starts the watchdog process, which opens the device as soon as a driver has made one. */
export function startWatchdog(): WatchdogFeed {
  const ends = os.pipe();
  if (ends === null) throw new Error("creating the watchdog's pipe failed");
  const [readEnd, writeEnd] = ends;
  const pid = os.exec([imagePaths.native, imagePaths.watchdogScript], { block: false, stdin: readEnd });
  checked("start the watchdog process", pid);
  os.close(readEnd);

  let released = false;
  function send(line: string): void {
    if (released) return;
    writeToDescriptor(writeEnd, encodeUtf8(`${line}\n`), "tell the watchdog process");
  }
  return {
    step: (name, seconds) => send(stepLine(name, seconds)),
    restarting: () => send(restartLine),
    release: () => {
      if (released) return;
      send(releaseLine);
      released = true;
      os.close(writeEnd);
      os.waitpid(pid, 0);
    },
  };
}
