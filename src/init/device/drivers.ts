import * as host from "host";
import { type Aliases, modulesFor, readAliases } from "../../core/hardware/drivers.ts";
import { watchdogModules } from "../../core/hardware/watchdog-modules.ts";
import { type Dependencies, planModules, readBuiltins, readDependencies } from "../../core/modules/dependencies.ts";
import { moduleParameters } from "../../core/modules/parameters.ts";
import type { Log } from "../../core/ports.ts";
import { sleepMs } from "../system/clock.ts";
import { exists, readText, readTextIfThere } from "../system/files.ts";
import { systemTree } from "./tree.ts";

/** A bus driver makes new devices appear, whose drivers may again: a hub behind a controller behind a bridge… */
const mostRounds = 12;
/** How long a loaded driver gets to show its devices; disks may take longer and are waited for by who needs them. */
const settleMs = 300;
const lookEveryMs = 100;
/** Rounds without anything new before the search ends. */
const quietRounds = 2;

/** The modules of the running kernel. */
export type Drivers = {
  /** Loads the drivers of every device there is, until nothing new appears. */
  readonly loadForDevices: () => void;
  /** Loads modules by name, with what they need. Throws for a module that the image lacks. */
  readonly load: (modules: readonly string[]) => void;
};

/** Reads what depmod wrote for the running kernel. */
export function openDrivers(log: Log): Drivers {
  const directory = `/lib/modules/${readText("/proc/sys/kernel/osrelease").trim()}`;
  const aliases: Aliases = readAliases(readText(`${directory}/modules.alias`));
  const dependencies: Dependencies = readDependencies(readText(`${directory}/modules.dep`));
  const builtins = readBuiltins(readTextIfThere(`${directory}/modules.builtin`) ?? "");
  const commandLine = readText("/proc/cmdline");
  const done = new Set<string>();

  /** Loads what is not loaded yet; gives the names of the files that were. */
  function loadFiles(files: readonly string[], onFault: (file: string, fault: string) => void): readonly string[] {
    const loaded: string[] = [];
    for (const file of files) {
      if (done.has(file)) continue;
      done.add(file);
      try {
        const parameters = moduleParameters(commandLine, file);
        if (parameters !== "") log("info", "a driver's parameters are on the command line", { file, parameters });
        host.loadModule(`${directory}/${file}`, parameters);
        loaded.push((file.split("/").pop() ?? file).replace(/\.ko.*$/, ""));
      } catch (error) {
        onFault(file, error instanceof Error ? error.message : String(error));
      }
    }
    return loaded;
  }

  function loadForDevices(): void {
    const seen = new Set<string>();
    let quiet = 0;
    for (let round = 0; round < mostRounds && quiet < quietRounds; round += 1) {
      const fresh = modaliases().filter((modalias) => !seen.has(modalias));
      for (const modalias of fresh) seen.add(modalias);
      const modules = fresh.flatMap((modalias) => modulesFor(modalias, aliases));
      const { files } = planModules(modules, dependencies, builtins);
      // A driver that refuses its device is no reason to stop: another one may want it, or no one needs it.
      const loaded = loadFiles(files, (file, fault) => log("debug", "a driver does not load", { file, fault }));
      if (loaded.length > 0) log("info", "drivers loaded", { modules: loaded.join(",") });
      quiet = loaded.length === 0 ? quiet + 1 : 0;
      sleepMs(settleMs);
    }
    loadWatchdog();
  }

  /** Watchdogs that no device asks for by modalias, one after the other until there is one. */
  function loadWatchdog(): void {
    for (const { module, appearMs } of watchdogModules(systemTree)) {
      if (exists("/dev/watchdog")) return;
      const { files } = planModules([module], dependencies, builtins);
      loadFiles(files, (file, fault) => log("debug", "no such watchdog", { file, fault }));
      for (let waitedMs = 0; waitedMs < appearMs && !exists("/dev/watchdog"); waitedMs += lookEveryMs)
        sleepMs(lookEveryMs);
    }
    if (!exists("/dev/watchdog")) log("warn", "this machine has no watchdog, not even the kernel's own timer");
  }

  function load(modules: readonly string[]): void {
    const { files, missing } = planModules(modules, dependencies, builtins);
    if (missing.length > 0) throw new Error(`the Bootstrap Image lacks the kernel modules ${missing.join(", ")}`);
    loadFiles(files, (_, fault) => {
      throw new Error(fault);
    });
  }

  return { loadForDevices, load };
}

/** The modaliases of all devices. The CPU's is apart from the buses; it brings the fast ciphers. */
function modaliases(): readonly string[] {
  const paths = systemTree
    .list("/sys/bus")
    .flatMap((bus) =>
      systemTree.list(`/sys/bus/${bus}/devices`).map((device) => `/sys/bus/${bus}/devices/${device}/modalias`),
    );
  return ["/sys/devices/system/cpu/modalias", ...paths]
    .map((path) => systemTree.text(path).trim())
    .filter((modalias) => modalias !== "");
}
