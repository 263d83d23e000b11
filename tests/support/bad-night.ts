import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { Hono } from "hono";
import { powerOn } from "../../src/core/fleet/testing/power-on.ts";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import type { Machine } from "../../src/core/machine/record.ts";
import type { Clock } from "../../src/core/ports.ts";
import { systemRandom as random, systemClock } from "../../src/main/system-ports.ts";
import { openLoneExports } from "../../src/mdb/exports/lone-exports.ts";
import { modelsOf } from "../../src/mdb/models.ts";
import { operatorApp } from "../../src/mdb/operator-api/app.ts";
import { backupsIn } from "../../src/mdb/operator-api/backup-stream.ts";
import type { OperatorEnv } from "../../src/mdb/operator-api/caller/authenticate.ts";
import { callersIn } from "../../src/mdb/operator-api/caller/callers.ts";
import { startOperatorServer } from "../../src/mdb/operator-api/server.ts";
import { openMemoryStore } from "../../src/mdb/testing/memory-store.ts";
import { noCatalogue } from "../../src/mdb/testing/no-catalogue.ts";

/** 27 machines fail for four reasons, nine of them behind the switch of rack 17. */
function trouble(rack: number, unit: number) {
  if (rack === 17 && unit <= 9)
    return { kind: "failing" as const, reason: `network of eth0: expected 900 MiB/s, found ${90 + unit}` };
  if (unit === 4 && rack % 10 === 0)
    return {
      kind: "failing" as const,
      reason: `disk /dev/nvme${rack % 3}n1: 3 of 4096 blocks differ from what was written`,
    };
  if (unit === 30 && rack >= 40 && rack < 46)
    return { kind: "conflict" as const, reason: `switch "tor-${rack}" port "swp30" is claimed by r${rack}u31, too` };
  return unit === 12 && rack < 3 ? { kind: "debug" as const, reason: "2 rebirths did not help" } : undefined;
}

/** The machines: a hundred racks of forty, switched on one after the other within half an hour, half of them up. */
export function badNight(nowMs: number): Machine[] {
  return powerOn({ racks: 100, units: 40, apartMs: 18_000, nowMs, beganMs: nowMs - 32 * 60_000, trouble });
}

/** Serves such a fleet on the Unix socket of a new state directory, until disposed; `older`, as a server of an earlier version. */
export async function serveBadNight(state: string, clock: Clock, older?: "older"): Promise<AsyncDisposableStack> {
  const life = new AsyncDisposableStack();
  const log = () => {};
  mkdirSync(state, { recursive: true });
  const store = life.use(await openMemoryStore({ clock, log }));
  const machines = badNight(clock.nowMs());
  const find = (name: string) => machines.find(({ id, hostname }) => id === name || hostname === name);
  Object.assign(store, { list: () => machines, get: find, find });
  const app = operatorApp({
    models: modelsOf(store),
    ...{ store, clock, log, version: "test", ...callersIn({ store, clock, random, log }) },
    ...{ blastRadius: { machines: 10, percent: 10, perSeconds: 3600 }, deadlineSeconds: defaultDeadlineSeconds },
    ...{ networks: () => [], packetsOf: () => [], images: async () => [], catalogue: noCatalogue() },
    exports: life.use(openLoneExports(store, clock)),
    backup: backupsIn(state, store),
  });
  life.use(
    await startOperatorServer({ path: join(state, "api.sock"), app: older === undefined ? app : earlier(app), log }),
  );
  return life;
}

/**
 * Serves it for the tests of the suite that calls this, from before the first until after the last; returns the state directory.
 */
export function badNightOfSuite(): string {
  const parent = mkdtempSync(join(tmpdir(), "birther-night-"));
  const state = join(parent, "state");
  let served: AsyncDisposableStack;
  before(async () => {
    served = await serveBadNight(state, systemClock);
  });
  after(async () => {
    await served.disposeAsync();
    rmSync(parent, { recursive: true });
  });
  return state;
}

/** The same server before it knew of suspects, imports and erasures. */
function earlier(app: Hono<OperatorEnv>): Hono<OperatorEnv> {
  const outer = new Hono<OperatorEnv>();
  outer.get("/v1/summary", async (c) => {
    const answer = await app.fetch(new Request(c.req.raw, { headers: {} }), c.env);
    const { suspect: _suspect, imports: _imports, ...known } = (await answer.json()) as Record<string, unknown>;
    return c.json(known);
  });
  outer.get("/v1/erasures", (c) => app.fetch(new Request(c.req.url.replace("erasures", "unknown")), c.env));
  outer.all("*", (c) => app.fetch(c.req.raw, c.env));
  return outer;
}
