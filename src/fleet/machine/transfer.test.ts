import assert from "node:assert/strict";
import { test } from "node:test";
import { openAgenda } from "../engine/agenda.ts";
import { openHost } from "../engine/host.ts";
import { run } from "../engine/script.ts";
import { openFlows, openLink, tickMs } from "../network/flows.ts";
import { parametersWith } from "../parameters.ts";
import type { World } from "../world.ts";
import { transfer } from "./waits.ts";

/** Milliseconds until a machine that keeps a processor busy at 100 MB/s has 100 MB, over a link of this rate. */
function took(of: {
  readonly isFromMachine: boolean;
  readonly peerSendsCpu: number;
  readonly linkRate?: number;
}): number {
  const agenda = openAgenda();
  const world = {
    ...{ agenda, flows: openFlows(agenda), parameters: parametersWith({ peerSendsCpu: of.peerSendsCpu }) },
    host: { ...openHost(1), demandOf: () => 1 },
  } as unknown as World;
  let endMs = Number.NaN;
  const links = [openLink("cable", of.linkRate ?? 1e9)];
  const { isFromMachine } = of;
  const fetch = function* () {
    yield* transfer(world, { links, bytes: 1e8, limit: 1e8, work: "agentFetch", isFromMachine });
  };
  run(fetch(), () => {
    endMs = agenda.nowMs();
  });
  while (agenda.step(1e9));
  return endMs;
}

const cases: readonly (readonly [string, Parameters<typeof took>[0], number])[] = [
  ["a server's work is not that of the host", { isFromMachine: false, peerSendsCpu: 5 }, 1000],
  ["a machine that sends and costs nothing takes nothing", { isFromMachine: true, peerSendsCpu: 0 }, 1000],
  ["half as much work for the sender takes a third of the processor", { isFromMachine: true, peerSendsCpu: 5 }, 1500],
  ["as much work takes half of it", { isFromMachine: true, peerSendsCpu: 10 }, 2000],
  ["a narrow link leaves time for both", { isFromMachine: true, peerSendsCpu: 5, linkRate: 5e7 }, 2000],
];
for (const [title, of, expected] of cases)
  test(title, () => {
    const foundMs = took(of);
    assert.ok(Math.abs(foundMs - expected) <= tickMs + 1, `${foundMs}`);
  });
