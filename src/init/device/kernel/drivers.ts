import * as host from "host";
import { type Aliases, modulesFor, readAliases } from "../../../core/hardware/drivers.ts";
import { watchdogModules } from "../../../core/hardware/watchdog-modules.ts";
import { type Dependencies, planModules, readBuiltins, readDependencies } from "../../../core/modules/dependencies.ts";
import { moduleParameters } from "../../../core/modules/parameters.ts";
import type { Log } from "../../../core/ports.ts";
import { messageOf } from "../../birth/stop.ts";
import { sleepMs } from "../../system/clock.ts";
import { exists, readText, readTextIfThere } from "../../system/files.ts";
import { kernelRelease } from "../../system/kernel-release.ts";
import { systemTree } from "../tree.ts";

/** A bus driver makes new devices appear, whose drivers may do the same: a hub behind a controller behind a bridge… */
const mostRounds = 12;
/** Time for a loaded driver to show its devices; for disks, which may take longer, waitForDisks waits. */
const appearMs = 300;
const lookEveryMs = 100;
/** Rounds without a new module before the search ends. */
const quietRounds = 2;

/** The modules of the running kernel. */
export type Drivers = {
  /** Loads the drivers of all devices until nothing new appears. */
  readonly loadForDevices: () => void;
  /** Loads modules by name, with their dependencies. Throws for a module that the image lacks. */
  readonly load: (modules: readonly string[]) => void;
};

/** Reads depmod's files for the running kernel. */
export function openDrivers(log: Log): Drivers {
  const directory = `/lib/modules/${kernelRelease()}`;
  const aliases: Aliases = readAliases(readText(`${directory}/modules.alias`));
  const dependencies: Dependencies = readDependencies(readText(`${directory}/modules.dep`));
  const builtins = readBuiltins(readTextIfThere(`${directory}/modules.builtin`) ?? "");
  const loadFiles = fileLoader(directory, log);
  const plan = (modules: readonly string[]) => planModules(modules, dependencies, builtins);

  function loadForDevices(): void {
    const seen = new Set<string>();
    let quiet = 0;
    for (let round = 0; round < mostRounds && quiet < quietRounds; round += 1) {
      const fresh = modaliases().filter((modalias) => !seen.has(modalias));
      for (const modalias of fresh) seen.add(modalias);
      const { files } = plan(fresh.flatMap((modalias) => modulesFor(modalias, aliases)));
      // A driver that rejects its device is not fatal: another one may accept it, or the device is not needed.
      const loaded = loadFiles(files, (file, fault) => log("debug", "a driver failed to load", { file, fault }));
      if (loaded.length > 0) log("info", "drivers loaded", { modules: loaded.join(",") });
      quiet = loaded.length === 0 ? quiet + 1 : 0;
      sleepMs(appearMs);
    }
    loadWatchdog();
    // No device has it in its modalias: what the kernel asked a BIOS about its drives (there is none on UEFI).
    loadFiles(plan(["edd"]).files, (file, fault) => log("debug", "no BIOS drive numbers", { file, fault }));
  }

  /** Tries watchdogs that no device requests by modalias, one after the other until one works. */
  function loadWatchdog(): void {
    for (const { module, appearMs } of watchdogModules(systemTree)) {
      if (exists("/dev/watchdog")) return;
      loadFiles(plan([module]).files, (file, fault) => log("debug", "no such watchdog", { file, fault }));
      for (let waitedMs = 0; waitedMs < appearMs && !exists("/dev/watchdog"); waitedMs += lookEveryMs)
        sleepMs(lookEveryMs);
    }
    if (!exists("/dev/watchdog")) log("warn", "no watchdog found, not even the kernel's software timer");
  }

  function load(modules: readonly string[]): void {
    const { files, missing } = plan(modules);
    if (missing.length > 0)
      throw new Error(
        `loading kernel modules: expected ${missing.join(", ")} in the Bootstrap Image, found none of these`,
      );
    loadFiles(files, (_, fault) => {
      throw new Error(fault);
    });
  }

  return { loadForDevices, load };
}

/** Loads module files that are not loaded yet; returns the names of the newly loaded modules. */
type FileLoader = (files: readonly string[], onFault: (file: string, fault: string) => void) => readonly string[];

function fileLoader(directory: string, log: Log): FileLoader {
  const commandLine = readText("/proc/cmdline");
  const done = new Set<string>();
  return (files, onFault) => {
    const loaded: string[] = [];
    for (const file of files) {
      if (done.has(file)) continue;
      done.add(file);
      try {
        const parameters = moduleParameters(commandLine, file);
        if (parameters !== "") log("info", "driver parameters from the kernel command line", { file, parameters });
        host.loadModule(`${directory}/${file}`, parameters);
        loaded.push((file.split("/").pop() ?? file).replace(/\.ko.*$/, ""));
      } catch (error) {
        onFault(file, messageOf(error));
      }
    }
    return loaded;
  };
}

/** The modaliases of all devices. The CPU's is outside the buses; it loads the fast ciphers. */
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
