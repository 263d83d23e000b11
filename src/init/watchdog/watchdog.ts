/**
 * The watchdog process: `birther-js watchdog.js`, with the read end of PID 1's pipe as its standard input. It decides
 * nothing; core/install/watchdog.ts does.
 */
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

/** Where no driver made a device, this process resets the machine itself: weaker, but better than hanging. */
let descriptor = -1;
let petAtMs = 0;
let state = startWatching(host.monotonicMs());
let partOfLine = "";

function openDevice(): void {
  if (descriptor >= 0 || !exists(device)) return;
  descriptor = os.open(device, os.O_WRONLY);
  if (descriptor >= 0) askFor(hardwareSeconds);
}

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

function handle(event: WatchdogEvent): void {
  const nowMs = host.monotonicMs();
  const wasOverdue = state.kind === "overdue";
  const turn = watchdogTurn(state, event, nowMs);
  state = turn.state;
  switch (turn.action) {
    case "pet":
      if (nowMs < petAtMs) return;
      petAtMs = nowMs + petEveryMs;
      write(".");
      return;
    case "allowRestart":
      if (descriptor >= 0) askFor(restartHardwareSeconds);
      return;
    case "release":
      write("V"); // the magic close (Documentation/watchdog/watchdog-api.rst): the timer stops when the file is closed
      if (descriptor >= 0) os.close(descriptor);
      os.setReadHandler(standardInput, null);
      descriptor = -1;
      return;
    case "withhold":
      if (wasOverdue || turn.state.kind !== "overdue") return;
      print(`watchdog: this step took longer than it may: ${turn.state.step}`);
      if (descriptor < 0) resetByKernel();
  }
}

/** A reset without sync(2), which could hang on the disk that everything hangs on. */
function resetByKernel(): void {
  print("watchdog: there is no hardware watchdog, the kernel resets this machine now");
  writeText("/proc/sysrq-trigger", "b");
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
  openDevice();
  handle({ kind: "tick" });
  os.setTimeout(tick, lookEveryMs);
}

os.setReadHandler(standardInput, readLines);
tick();
