import * as host from "host";
import * as os from "os";
import { restartHardwareSeconds, startWatching, type WatchdogEvent, watchdogTurn } from "../../core/birth/watchdog.ts";
import { decodeUtf8 } from "../../core/bytes/utf8.ts";
import { exists, writeText } from "../system/files.ts";

const device = "/dev/watchdog";
/** Time-out of the hardware without a pet; the longest that all common watchdogs support. */
const hardwareSeconds = 30;
const petEveryMs = 5000;
/** Interval at which a process without hardware checks the deadline, and one with hardware checks for the device. */
const checkEveryMs = 1000;
const standardInput = 0;

/**
 * The hardware, once a driver has made the device. Without hardware the kernel resets the machine: weaker, but better
 * than hanging.
 */
type Hardware = {
  /** Opens the device if it exists and is not open. */
  readonly openDevice: () => void;
  readonly pet: () => void;
  readonly allowForRestart: () => void;
  readonly release: () => void;
  /** Reports that a step took too long. */
  readonly overdue: (step: string) => void;
};

function openHardware(): Hardware {
  let descriptor = -1;
  let petAtMs = 0;

  function requestTimeout(wanted: number): void {
    try {
      const seconds = host.watchdogTimeout(descriptor, wanted);
      print(`watchdog: hardware time-out is ${seconds} s`);
    } catch {
      print("watchdog: the hardware keeps its default time-out");
    }
  }
  function write(text: string): void {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    if (descriptor >= 0) os.write(descriptor, bytes.buffer, 0, bytes.length);
  }
  return {
    openDevice: () => {
      if (descriptor >= 0 || !exists(device)) return;
      descriptor = os.open(device, os.O_WRONLY);
      if (descriptor >= 0) requestTimeout(hardwareSeconds);
    },
    pet: () => {
      const nowMs = host.monotonicMs();
      if (nowMs < petAtMs) return;
      petAtMs = nowMs + petEveryMs;
      write(".");
    },
    allowForRestart: () => {
      if (descriptor >= 0) requestTimeout(restartHardwareSeconds);
    },
    release: () => {
      write("V"); // the magic close (Documentation/watchdog/watchdog-api.rst): the timer stops when the file is closed
      if (descriptor >= 0) os.close(descriptor);
      descriptor = -1;
    },
    overdue: (step) => {
      print(`watchdog: step exceeded its time limit: ${step}`);
      if (descriptor < 0) resetByKernel();
    },
  };
}

/** Resets without sync(2), which could hang on the same disk. */
function resetByKernel(): void {
  print("watchdog: no hardware watchdog found; the kernel resets this machine now");
  writeText("/proc/sysrq-trigger", "b");
}

/** Starts the watchdog process, which runs in the event loop. core/birth/watchdog.ts makes all decisions. */
export function runWatchdog(): void {
  const hardware = openHardware();
  let state = startWatching(host.monotonicMs());
  let partOfLine = "";

  function handle(event: WatchdogEvent): void {
    const wasOverdue = state.kind === "overdue";
    const turn = watchdogTurn(state, event, host.monotonicMs());
    state = turn.state;
    switch (turn.action) {
      case "pet":
        hardware.pet();
        return;
      case "allowRestart":
        hardware.allowForRestart();
        return;
      case "release":
        hardware.release();
        os.setReadHandler(standardInput, null);
        return;
      case "withhold":
        if (!wasOverdue && turn.state.kind === "overdue") hardware.overdue(turn.state.step);
    }
  }

  function readLines(): void {
    const buffer = new ArrayBuffer(4096);
    const count = os.read(standardInput, buffer, 0, buffer.byteLength);
    if (count <= 0) {
      os.setReadHandler(standardInput, null);
      handle({ kind: "closed" });
      return;
    }
    const lines = (partOfLine + decodeUtf8(new Uint8Array(buffer, 0, count))).split("\n");
    partOfLine = lines.pop() ?? "";
    for (const text of lines) handle({ kind: "line", text });
  }

  function tick(): void {
    if (state.kind === "released") return;
    hardware.openDevice();
    handle({ kind: "tick" });
    os.setTimeout(tick, checkEveryMs);
  }

  os.setReadHandler(standardInput, readLines);
  tick();
}
