import assert from "node:assert/strict";
import { test } from "node:test";
import { treeOf } from "../hardware/testing/text-tree.ts";
import { correctedBetween, readSensors, sensorsBetween } from "./sensors.ts";

const mc = "/sys/devices/system/edac/mc/mc0";
const cpu = "/sys/devices/system/cpu";

/** A machine with two modules of memory, one of which the board names, and two CPUs. */
const machine = {
  [`${mc}/dimm0/dimm_label`]: "CPU_SrcID#0_Ha#0_Chan#0_DIMM#0\n",
  [`${mc}/dimm0/dimm_ce_count`]: "1\n",
  [`${mc}/dimm0/dimm_ue_count`]: "0\n",
  [`${mc}/dimm1/dimm_label`]: "\n",
  [`${mc}/dimm1/dimm_ce_count`]: "0\n",
  [`${mc}/dimm1/dimm_ue_count`]: "0\n",
  [`${mc}/ce_noinfo_count`]: "0\n",
  [`${mc}/ue_noinfo_count`]: "0\n",
  "/proc/interrupts":
    "            CPU0       CPU1\n TRM:          9          9   Thermal event interrupts\n MCE:          1          2   Machine check exceptions\n",
  [`${cpu}/cpu0/thermal_throttle/core_throttle_count`]: "4\n",
  [`${cpu}/cpu1/thermal_throttle/core_throttle_count`]: "5\n",
  "/sys/class/hwmon/hwmon0/name": "nvme\n",
  "/sys/class/hwmon/hwmon0/temp1_input": "99000\n",
  "/sys/class/hwmon/hwmon1/name": "coretemp\n",
  "/sys/class/hwmon/hwmon1/temp1_input": "61000\n",
  "/sys/class/hwmon/hwmon1/temp2_input": "64500\n",
  "/sys/class/hwmon/hwmon1/temp2_crit": "100000\n",
};

test("sensors: errors by module of memory, machine checks, throttling and the hottest CPU", () => {
  assert.deepEqual(readSensors(treeOf(machine)), {
    memory: {
      "CPU_SrcID#0_Ha#0_Chan#0_DIMM#0": { corrected: 1, uncorrected: 0 },
      "mc0 dimm1": { corrected: 0, uncorrected: 0 },
      mc0: { corrected: 0, uncorrected: 0 },
    },
    ...{ machineChecks: 3, throttles: 9, celsius: 65 },
  });
});

test("sensors: a machine without drivers for them has none; thermal zones do where the CPU has no sensor", () => {
  assert.deepEqual(readSensors(treeOf({})), {});
  const zone = {
    "/sys/class/thermal/thermal_zone0/type": "x86_pkg_temp\n",
    "/sys/class/thermal/thermal_zone0/temp": "48000\n",
  };
  assert.deepEqual(readSensors(treeOf(zone)), { celsius: 48 });
});

test("sensors: what rises during a test counts, not what was there before", () => {
  const before = readSensors(treeOf(machine));
  assert.deepEqual(sensorsBetween("cpu", before, before), {
    figures: { throttles: 0, temperatureCelsius: 65 },
    faults: [],
  });
  assert.deepEqual(sensorsBetween("memory", before, before), { figures: { correctedErrors: 0 }, faults: [] });
  assert.deepEqual(sensorsBetween("disk", before, before), { figures: {}, faults: [] });
  const hot = readSensors(
    treeOf({
      ...machine,
      [`${mc}/dimm0/dimm_ce_count`]: "4\n",
      [`${mc}/dimm1/dimm_ue_count`]: "1\n",
      [`${cpu}/cpu1/thermal_throttle/core_throttle_count`]: "25\n",
      "/proc/interrupts": " MCE:          1          3   Machine check exceptions\n",
    }),
  );
  assert.deepEqual(sensorsBetween("network", before, hot).figures, { correctedErrors: 3 });
  assert.deepEqual(sensorsBetween("cpu", before, hot), {
    figures: { correctedErrors: 3, throttles: 20, temperatureCelsius: 65 },
    faults: ["mc0 dimm1 had 1 uncorrected error", "the CPUs reported 1 machine-check exception"],
  });
  assert.deepEqual(correctedBetween(before, hot), ["CPU_SrcID#0_Ha#0_Chan#0_DIMM#0 3"]);
});
