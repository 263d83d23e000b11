import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { faultyRack, withSystemImages } from "./faulty-rack.ts";

const minuteMs = 60_000;

await insideNamespace(import.meta.url, () => {
  test("a machine that the previous build installed is taken over by the agent of the next one", {
    timeout: 30 * minuteMs,
  }, async () => {
    const spec = machineSpec(1);
    await using setUp = await faultyRack([spec], undefined, withSystemImages);
    const withConsole = async (cause: unknown) => {
      throw new Error(await setUp.console(spec.name), { cause });
    };
    let installed = "";
    {
      await using server = await setUp.startServer();
      await setUp.rack.find(spec.name)?.powerOn();
      installed = await waitFor("the machine to be up with the installed agent", 20 * 60, () => {
        const found = server.store.byMac(spec.mac);
        return found?.phase === "up" ? found.agent?.version : undefined;
      }).catch(withConsole);
    }
    // The same sources and another text: a build that differs from the one that the machine was born with.
    const { agent } = pathsIn(join(setUp.directory, "state"));
    await appendFile(join(agent, "agent.js"), "\n// the next build\n");
    await using server = await setUp.startServer();
    const upgraded = await waitFor("another version of the agent to poll", 10 * 60, () => {
      const found = server.store.byMac(spec.mac);
      return found?.agent?.version === installed ? undefined : found;
    }).catch(withConsole);
    assert.deepEqual([upgraded.phase, upgraded.conditions, upgraded.agent?.rejected], ["up", [], undefined]);

    // It outlasts a restart of the machine: the installed agent starts it again.
    const machine = setUp.rack.find(spec.name);
    await machine?.powerOff();
    await machine?.powerOn();
    const restartedAtMs = Date.now();
    const again = await waitFor("its agent to poll after a power cut", 10 * 60, () => {
      const found = server.store.byMac(spec.mac);
      const isBack = found?.phase === "up" && (found.phaseAtMs ?? 0) > restartedAtMs;
      return isBack ? found : undefined;
    }).catch(withConsole);
    assert.equal(again.agent?.version, upgraded.agent?.version);
  });
});
