import assert from "node:assert/strict";
import { test } from "node:test";
import { openAgenda } from "../engine/agenda.ts";
import { parametersWith } from "../parameters.ts";
import type { ServerPort } from "../ports.ts";
import type { ServerSlot, World } from "../world.ts";
import { firstOnServer, occupy, onServer } from "./waits.ts";

test("packets wait for each other and for one turn of the event loop, requests for all that came before", () => {
  const agenda = openAgenda();
  const world = { agenda, parameters: parametersWith({ serverTurn: 7 }) } as World;
  const slot: ServerSlot = { nth: 0, port: {} as ServerPort, busyUntilMs: 0, packetsUntilMs: 0, cpuMs: 0 };
  const acted: string[] = [];
  const note = (what: string) => () => acted.push(`${what} ${agenda.nowMs()}`);
  firstOnServer(world, slot, 1, note("on an idle server"));
  occupy(world, slot, 2);
  firstOnServer(world, slot, 1, note("behind little"));
  occupy(world, slot, 1000);
  firstOnServer(world, slot, 1, note("behind much"));
  firstOnServer(world, slot, 1, note("behind a packet"));
  onServer(world, slot, 5, note("request"));
  while (agenda.step(10_000));
  assert.deepEqual(acted, [
    "on an idle server 1",
    "behind little 4",
    "behind much 8",
    "behind a packet 9",
    "request 1011",
  ]);
  assert.equal(slot.cpuMs, 1011);
});

test("a server that dies answers nothing that it had begun", () => {
  const agenda = openAgenda();
  const world = { agenda, parameters: parametersWith({}) } as World;
  const slot: ServerSlot = { nth: 0, port: {} as ServerPort, busyUntilMs: 0, packetsUntilMs: 0, cpuMs: 0 };
  for (const begin of [onServer, firstOnServer]) begin(world, slot, 1, () => assert.fail("it acted"));
  slot.port = {} as ServerPort;
  while (agenda.step(10_000));
});
