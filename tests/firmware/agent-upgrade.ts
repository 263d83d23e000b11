import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import type { LabMachine } from "../../src/lab/machine.ts";
import { pathsIn } from "../../src/main/paths.ts";
import type { FaultyRack } from "../faults/faulty-rack.ts";
import { recordOf, type Scene } from "./record-of.ts";

/**
 * Makes the next start of the server one of another build of the agent: the same sources and another text. Machines were
 * born with the build before it.
 */
export async function changeAgentBuild({ directory }: FaultyRack): Promise<void> {
  const { agent } = pathsIn(join(directory, "state"));
  await appendFile(join(agent, "agent.js"), "\n// the next build\n");
}

/** Asserts that the server's agent takes over from `installed`, and that it outlasts a power cut of the machine. */
export async function assertAgentUpgraded(scene: Scene, machine: LabMachine, installed: string): Promise<void> {
  const upgraded = await recordOf(scene, machine, {
    what: `an agent other than ${installed} to poll`,
    seconds: 1200,
    holds: ({ agent }) => agent !== undefined && agent.version !== installed,
  });
  assert.deepEqual([upgraded.phase, upgraded.conditions, upgraded.agent?.rejected], ["up", [], undefined]);

  // The installed agent starts the new one again.
  await machine.powerOff();
  await machine.powerOn();
  const restartedAtMs = Date.now();
  const again = await recordOf(scene, machine, {
    what: "up after a power cut",
    seconds: 1200,
    holds: ({ phase, phaseAtMs = 0 }) => phase === "up" && phaseAtMs > restartedAtMs,
  });
  assert.equal(again.agent?.version, upgraded.agent?.version);
}
