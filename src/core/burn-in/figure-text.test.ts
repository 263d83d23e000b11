import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFigure, figureNumber, figureTitle } from "./figure-text.ts";

test("figures have words and units; a name of another form stays as it is", () => {
  const rows: readonly (readonly [string, number, string])[] = [
    ["writeMiBps", 1820, "write 1,820 MiB/s"],
    ["memoryMiBps", 98_304.4, "memory 98,304 MiB/s"],
    ["hashesPerSecond", 1_200_000, "hashes 1,200,000 per second"],
    ["wrongWords", 0, "wrong words 0"],
    ["cpus", 64, "CPUs 64"],
    ["memoryMiB", 262_144, "memory 262,144 MiB"],
    ["linkMbps", 25_000, "link 25,000 Mbit/s"],
    ["disks", 2, "disks 2"],
    ["latencyP99Ms", 12.5, "latency p99 12.5 ms"],
    ["temperatureCelsius", 65, "temperature 65 °C"],
    ["enduranceUsedPercent", 30, "endurance used 30 %"],
    ["crcErrors", 3, "CRC errors 3"],
    ["nicErrors", 0, "NIC errors 0"],
    ["MiBps", 1, "MiBps 1"],
    ["<img src=x>", 1, "<img src=x> 1"],
    ["constructor", 1, "constructor 1"],
    ["__proto__", 1, "__proto__ 1"],
  ];
  for (const [figure, value, text] of rows) assert.equal(describeFigure(figure, value), text);
  assert.equal(figureTitle("readMiBps"), "read (MiB/s)");
  assert.equal(figureTitle("wrongWords"), "wrong words");
  assert.deepEqual([0.5, 99.999, 100.4, -3, 12.25, Number.NaN].map(figureNumber), [
    ...["0.5", "100", "100", "-3", "12.25", "NaN"],
  ]);
});
