import { counted } from "../bytes/counted.ts";
import type { BurnInResult } from "../hardware/hardware.ts";
import type { Tree } from "../hardware/system-tree.ts";

/** Errors that the machine counts while it runs, and how hot it is. What its kernel has no driver for is absent. */
export type Sensors = {
  /** By module of memory (`DIMM_A1`, or `mc0 dimm0` where the board names none), corrected and uncorrected errors (EDAC). */
  readonly memory?: { readonly [module: string]: MemoryErrors };
  /** Machine-check exceptions of all CPUs. */
  readonly machineChecks?: number;
  /** How often CPUs were slowed down because they were too hot. */
  readonly throttles?: number;
  /** The hottest sensor of the CPUs. */
  readonly celsius?: number;
};
type MemoryErrors = { readonly corrected: number; readonly uncorrected: number };

/** Reads the sensors (Documentation/admin-guide/RAS, ABI/testing/sysfs-devices-edac, hwmon/sysfs-interface.rst). */
export function readSensors(tree: Tree): Sensors {
  const memory = memoryErrors(tree);
  const machineChecks = interruptsOf(tree, "MCE");
  const throttles = throttleCount(tree);
  const celsius = hottestCpu(tree);
  return {
    ...(memory === undefined ? {} : { memory }),
    ...(machineChecks === undefined ? {} : { machineChecks }),
    ...(throttles === undefined ? {} : { throttles }),
    ...(celsius === undefined ? {} : { celsius }),
  };
}

/** What a test adds to its figures and faults. */
export type SensorFinding = {
  readonly figures: { readonly [name: string]: number };
  readonly faults: readonly string[];
};

/**
 * What was counted while a test ran. Corrected errors and throttling are figures, which are compared with siblings; an
 * uncorrected error of the memory and a machine check are faults, whatever the test itself says.
 */
export function sensorsBetween(test: BurnInResult["test"], before: Sensors, after: Sensors): SensorFinding {
  const rises = memoryRises(before, after);
  const corrected = rises.reduce((all, rise) => all + rise.corrected, 0);
  const machineChecks = rise(before.machineChecks, after.machineChecks);
  const throttles = rise(before.throttles, after.throttles);
  return {
    figures: {
      // Siblings have the same figures where nothing happened.
      ...(after.memory !== undefined && (test === "memory" || corrected > 0) ? { correctedErrors: corrected } : {}),
      ...(test === "cpu" && throttles !== undefined ? { throttles } : {}),
      ...(test === "cpu" && after.celsius !== undefined ? { temperatureCelsius: after.celsius } : {}),
    },
    faults: [
      ...rises
        .filter(({ uncorrected }) => uncorrected > 0)
        .map(({ module, uncorrected }) => `${module} had ${counted(uncorrected, "uncorrected error")}`),
      ...(machineChecks === undefined || machineChecks <= 0
        ? []
        : [`the CPUs reported ${counted(machineChecks, "machine-check exception")}`]),
    ],
  };
}

/** The modules of memory with corrected errors between two readings, such as `DIMM_A1 3`; empty without any. */
export function correctedBetween(before: Sensors, after: Sensors): readonly string[] {
  return memoryRises(before, after).flatMap(({ module, corrected }) =>
    corrected > 0 ? [`${module} ${corrected}`] : [],
  );
}

/** By how much the errors of each module rose. */
function memoryRises(before: Sensors, after: Sensors): readonly ({ readonly module: string } & MemoryErrors)[] {
  return Object.entries(after.memory ?? {}).map(([module, { corrected, uncorrected }]) => ({
    module,
    corrected: corrected - (before.memory?.[module]?.corrected ?? 0),
    uncorrected: uncorrected - (before.memory?.[module]?.uncorrected ?? 0),
  }));
}

function rise(before: number | undefined, after: number | undefined): number | undefined {
  return after === undefined ? undefined : Math.max(0, after - (before ?? 0));
}

const controllers = "/sys/devices/system/edac/mc";

function memoryErrors(tree: Tree): Sensors["memory"] {
  const found: { [module: string]: MemoryErrors } = {};
  const number = (path: string) => Number(tree.text(path).trim()) || 0;
  for (const controller of tree.list(controllers).filter((name) => /^mc\d+$/.test(name))) {
    const own = `${controllers}/${controller}`;
    const modules = tree.list(own).filter((name) => /^(dimm|rank)\d+$/.test(name));
    for (const module of modules) {
      const label = printable(tree.text(`${own}/${module}/dimm_label`)) || `${controller} ${module}`;
      const before = found[label] ?? { corrected: 0, uncorrected: 0 };
      found[label] = {
        corrected: before.corrected + number(`${own}/${module}/dimm_ce_count`),
        uncorrected: before.uncorrected + number(`${own}/${module}/dimm_ue_count`),
      };
    }
    // Errors that the controller cannot assign to a module.
    found[controller] = {
      corrected: number(`${own}/${modules.length === 0 ? "ce_count" : "ce_noinfo_count"}`),
      uncorrected: number(`${own}/${modules.length === 0 ? "ue_count" : "ue_noinfo_count"}`),
    };
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

/** A line of /proc/interrupts: counts of all CPUs behind a name. */
function interruptsOf(tree: Tree, name: string): number | undefined {
  const counts = new RegExp(`^ *${name}: *([\\d ]+)`, "m").exec(tree.text("/proc/interrupts"))?.[1];
  return counts === undefined ? undefined : sum(counts.trim().split(/ +/).map(Number));
}

function throttleCount(tree: Tree): number | undefined {
  const cpus = tree.list("/sys/devices/system/cpu").filter((name) => /^cpu\d+$/.test(name));
  const counts = cpus.flatMap((cpu) => {
    const text = tree.text(`/sys/devices/system/cpu/${cpu}/thermal_throttle/core_throttle_count`).trim();
    return text === "" ? [] : [Number(text) || 0];
  });
  return counts.length === 0 ? undefined : sum(counts);
}

/** Drivers of sensors in CPUs; thermal zones are those of machines without one of them. */
const cpuSensors = /^(coretemp|k10temp|zenpower|cpu_thermal|apm_xgene)$/;
const cpuZones = /^(x86_pkg_temp|cpu.*|soc.*)$/;

function hottestCpu(tree: Tree): number | undefined {
  const chips = namesIn(tree, "/sys/class/hwmon").filter((own) => cpuSensors.test(tree.text(`${own}/name`).trim()));
  const inputs = chips.flatMap((own) =>
    tree
      .list(own)
      .filter((file) => /^temp\d+_input$/.test(file))
      .map((file) => `${own}/${file}`),
  );
  const zones = namesIn(tree, "/sys/class/thermal").filter((own) => cpuZones.test(tree.text(`${own}/type`).trim()));
  const paths = inputs.length > 0 ? inputs : zones.map((own) => `${own}/temp`);
  const values = paths
    .map((path) => tree.text(path).trim())
    .flatMap((text) => (/^\d+$/.test(text) ? [Number(text)] : []));
  return values.length === 0 ? undefined : Math.round(Math.max(...values) / 1000);
}

function namesIn(tree: Tree, directory: string): readonly string[] {
  return tree.list(directory).map((name) => `${directory}/${name}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** What a board calls a slot: its maker's text. */
function printable(text: string): string {
  return text
    .replace(/[^\x21-\x7e]+/g, " ")
    .trim()
    .slice(0, 64);
}
