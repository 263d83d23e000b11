import * as host from "host";
import * as os from "os";
import { restartHardwareSeconds, startWatching, type WatchdogEvent, watchdogTurn } from "../../core/birth/watchdog.ts";
import { decodeUtf8 } from "../../core/bytes/utf8.ts";
import { exists, writeText } from "../system/files.ts";

const device = "/dev/watchdog";
/** What the hardware waits for a sign of life; the longest that all common watchdogs can do. */
const hardwareSeconds = 30;
const petEveryMs = 5000;
/** How often a process without hardware looks at the deadline, and one with hardware for the device to appear. */
const lookEveryMs = 1000;
const standardInput = 0;

/** The hardware, from when a driver has made the device; where none did, the kernel resets the machine: weaker, but better than hanging. */
type Hardware = {
  /** Looks for the device, unless it is open. */
  readonly look: () => void;
  readonly pet: () => void;
  readonly allowForRestart: () => void;
  readonly release: () => void;
  /** The end of a step that took too long. */
  readonly overdue: (step: string) => void;
};

function openHardware(): Hardware {
  let descriptor = -1;
  let petAtMs = 0;

  function askFor(wanted: number): void {
    try {
      const seconds = host.watchdogTimeout(descriptor, wanted);
      print(`watchdog: the hardware resets this machine after ${seconds} s without a sign of life`);
    } catch {
      print("watchdog: the hardware keeps its own time-out");
    }
  }
  function write(text: string): void {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    if (descriptor >= 0) os.write(descriptor, bytes.buffer, 0, bytes.length);
  }
  return {
    look: () => {
      if (descriptor >= 0 || !exists(device)) return;
      descriptor = os.open(device, os.O_WRONLY);
      if (descriptor >= 0) askFor(hardwareSeconds);
    },
    pet: () => {
      const nowMs = host.monotonicMs();
      if (nowMs < petAtMs) return;
      petAtMs = nowMs + petEveryMs;
      write(".");
    },
    allowForRestart: () => {
      if (descriptor >= 0) askFor(restartHardwareSeconds);
    },
    release: () => {
      write("V"); // the magic close (Documentation/watchdog/watchdog-api.rst): the timer stops when the file is closed
      if (descriptor >= 0) os.close(descriptor);
      descriptor = -1;
    },
    overdue: (step) => {
      print(`watchdog: this step took longer than it may: ${step}`);
      if (descriptor < 0) resetByKernel();
    },
  };
}

/** A reset without sync(2), which could hang on the disk that everything hangs on. */
function resetByKernel(): void {
  print("watchdog: there is no hardware watchdog, the kernel resets this machine now");
  writeText("/proc/sysrq-trigger", "b");
}

/** Starts the watchdog process. It decides nothing: core/birth/watchdog.ts does; it goes on with the event loop. */
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
    hardware.look();
    handle({ kind: "tick" });
    os.setTimeout(tick, lookEveryMs);
  }

  os.setReadHandler(standardInput, readLines);
  tick();
}
