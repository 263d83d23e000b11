import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Hono } from "hono";
import { fleetMac } from "../../bench/mdb-fleet.ts";
import { openAddressBook } from "../../src/boot-server/dhcp/address-book.ts";
import { checkConfig } from "../../src/contract/config/parse.ts";
import { testNetworkInput } from "../../src/contract/config/testing/test-config.ts";
import { paths as machinePaths } from "../../src/contract/machine/paths.ts";
import { chooseAddress } from "../../src/core/dhcp/pool/address-pool.ts";
import { summariseInSteps } from "../../src/core/fleet/summary.ts";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { vanishedAfterMs } from "../../src/core/machine/temporary-address.ts";
import { parseIpv4 } from "../../src/core/net/ipv4.ts";
import { macOf } from "../../src/core/net/testing/addresses.ts";
import type { Network } from "../../src/core/network/network.ts";
import type { Clock, Log, Store } from "../../src/core/ports.ts";
import { systemRandom as random, systemClock } from "../../src/main/system-ports.ts";
import { openLoneExports } from "../../src/mdb/exports/lone-exports.ts";
import { machineFacingApp } from "../../src/mdb/machine-api/app.ts";
import { modelsOf } from "../../src/mdb/models.ts";
import { type OpenStore, openStore } from "../../src/mdb/open-store.ts";
import { operatorApp } from "../../src/mdb/operator-api/app.ts";
import { backupsIn } from "../../src/mdb/operator-api/backup-stream.ts";
import { callersIn } from "../../src/mdb/operator-api/caller/callers.ts";
import { columnsOf } from "../../src/mdb/operator-api/fleet/columns-answer.ts";
import { noCatalogue } from "../../src/mdb/testing/no-catalogue.ts";
import { applyInParts, inTurns } from "../../src/mdb/turns.ts";
import { type FleetWatch, openFleetWatch } from "../../src/mdb/watch/fleet-watch.ts";
import { leastLongestTurnMs } from "../support/loop-turns.ts";

/** The fleet of docs/scale.md, and the longest that a packet may wait for one piece of work (docs/scale.md). */
const documented = { machines: 100_000, turnMs: 10 } as const;

/** Time that tests let pass at once. */
let passedMs = 0;
const clock: Clock = {
  nowMs: () => systemClock.nowMs() + passedMs,
  monotonicMs: () => systemClock.monotonicMs() + passedMs,
};
const log: Log = () => undefined;
const name = "r12u20";
const images = async () =>
  [1, 2].map((version) => ({ name: `other/${version}`, entries: 1, bytes: 1, importedAtMs: 0 }));
const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

const rules = { deadlineSeconds: defaultDeadlineSeconds, boots: 3, bootsWithinSeconds: 3600, burnInAttempts: 3 };

const ipv4 = (text: string) => parseIpv4(text) ?? assert.fail(text);

/** Reads an answer as a socket would: piece by piece, and nothing of it is kept. */
async function drain(answer: Response | Promise<Response>): Promise<void> {
  const { status, body } = await answer;
  assert.ok(status < 500, `status ${status}`);
  const reader = body?.getReader();
  while (reader !== undefined && !(await reader.read()).done) await nextTurn();
}

describe("with the documented fleet, nothing holds up packets", () => {
  let directory: string;
  let opened: OpenStore;
  let store: Store;
  let operators: ReturnType<typeof operatorApp>;
  let machines: Hono;
  let network: Network;
  let silenceWatch: FleetWatch | undefined;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "birther-loop-"));
    const path = join(directory, "mdb.sqlite");
    const fill = join(import.meta.dirname, "../../bench/mdb-fill.ts");
    execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", fill, path, String(documented.machines)]);
    opened = await openStore({ path, clock, log });
    const exports = openLoneExports(opened, clock);
    store = exports.store;
    operators = operatorApp({
      models: modelsOf(store),
      ...{ store, clock, log, version: "test", exports, images, catalogue: noCatalogue(), networks: () => [] },
      ...{ packetsOf: () => [], deadlineSeconds: defaultDeadlineSeconds },
      blastRadius: { machines: documented.machines, percent: 100, perSeconds: 3600 },
      ...callersIn({ store, clock, random, log }),
      backup: backupsIn(directory, opened),
    });
    const checked = checkConfig({ networks: [testNetworkInput], images: [{ image: "compute" }] });
    assert.ok(checked.kind !== "refused");
    network = checked.config.networks[0] ?? assert.fail();
    machines = machineFacingApp({ store, config: checked.config, clock, random, log });
  });
  after(async () => {
    silenceWatch?.[Symbol.dispose]();
    await opened[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  const ask = (path: string, init: RequestInit = {}) =>
    drain(operators.request(path, init, { listener: { kind: "socket", user: 0 } }));
  /** Ticks, each in a turn of its own: they are a second apart. */
  const tickOften = async (watch: FleetWatch) => {
    for (let tick = 0; tick < 30; tick += 1) {
      await nextTurn();
      await watch.tick();
    }
  };
  /** A watch before its first tick in which the whole fleet is silent. */
  const watchOfSilentFleet = async () => {
    const watch = openFleetWatch({ store, clock, log, rules });
    await tickOften(watch);
    passedMs += 2 * rules.deadlineSeconds.up * 1000;
    return watch;
  };
  /** Gives machines another image than the rest of the fleet. */
  const followOther = async (machines: readonly string[]) => {
    const details = { requiredImage: "other" } as const;
    const followers = machines.flatMap((one) => store.find(one) ?? []);
    await applyInParts(followers, ({ id }) => store.apply({ kind: "detailsSet", id, by: "test", details }));
  };
  /** Follows the feed from a position up to the newest one. */
  const readFeed = async (since: number) => {
    const last = store.position();
    const answer = await operators.request(`/v1/changes?since=${since}`, {}, { listener: { kind: "socket", user: 0 } });
    const reader = answer.body?.getReader() ?? assert.fail("expected a body");
    for (let upTo = since; upTo < last; await nextTurn()) {
      const text = new TextDecoder().decode((await reader.read()).value);
      upTo = Number(text.slice(text.lastIndexOf("\nid: ")).match(/\d+/)?.[0] ?? upTo);
    }
    await reader.cancel();
  };
  const names = (count: number) =>
    store
      .list()
      .slice(0, count)
      .flatMap(({ hostname }) => hostname ?? []);

  const paths = [
    ...["/v1/status", "/v1/check", "/v1/audit?limit=1000", "/metrics", "/readyz"],
    ...[
      "/v1/machines?limit=5000",
      "/v1/machines?limit=5000&fields=hostname,state",
      "/v1/machines?where=state%3Drebirth",
    ],
    ...[`/v1/machines/${name}`, `/v1/machines/${name}/events`, `/v1/machines/${name}/why`],
    ...["/v1/exports/dominator", "/v1/exports/ansible"],
    ...["/v1/burn-in", "/v1/events?sinceMs=0&limit=5000"],
    ...["devices", "interfaces", "racks"].map((table) => `/v1/exports/netbox?table=${table}`),
  ];
  const works: readonly (readonly [title: string, work: () => Promise<unknown>])[] = [
    ...paths.map((path) => [path, () => ask(path)] as const),
    // Their routes share answers between callers, so each turn of the test makes its own.
    [
      "the summary of the fleet",
      () => inTurns(summariseInSteps([...store.list()], { nowMs: clock.nowMs(), expected: new Map() })),
    ],
    ["the fleet as columns", () => columnsOf(store, false)()],
    [
      "an operator sends a machine to rebirth and cancels it",
      async () => {
        await ask(`/v1/machines/${name}/rebirth`, post({}));
        await ask(`/v1/machines/${name}/cancel`, post({}));
      },
    ],
    [
      "a batch of 1000, without carrying it out",
      () => ask("/v1/batch", post({ action: "rebirth", dryRun: true, select: { names: names(1000) } })),
    ],
    [
      "a batch of 1000 rebirths, and a batch that cancels them",
      async () => {
        await ask("/v1/batch", post({ action: "rebirth", select: { names: names(1000) } }));
        await ask("/v1/batch", post({ action: "cancel", select: { names: names(1000) } }));
      },
    ],
    ["the thousands of changes of those batches, in the audit", () => ask("/v1/audit?limit=1000")],
    ["the last 20,000 changes for a watcher that comes back", () => readFeed(store.position() - 20_000)],
    [
      "the longest history of a machine that is kept",
      async () => {
        const { id } = store.find(name) ?? assert.fail();
        const { length } = await store.history(id, 1000);
        for (let n = length; n < 1000; n += 1) {
          const details = { tags: { tier: `${n}` } };
          await store.apply({ kind: "detailsSet", id, by: "test", details }, { by: "test" });
        }
        await ask(`/v1/machines/${name}/events?limit=1000`);
      },
    ],
    [
      "a batch of holds by a field, and their release by 4,000 names",
      async () => {
        const front = names(40_000).filter((_, n) => n % 10 === 0);
        // The list is the test's own work.
        await nextTurn();
        await ask("/v1/batch", post({ action: "hold", reason: "test", select: { where: "rack in (1,2,3,4)" } }));
        await ask("/v1/batch", post({ action: "release", dryRun: true, select: { names: front } }));
        await ask("/v1/batch", post({ action: "release", select: { where: "rack in (1,2,3,4)" } }));
      },
    ],
    ["a machine that is not there", () => ask("/v1/machines/nowhere")],
    [
      "2,000 machines are moved to another version of their image, one of them first",
      async () => {
        const required = store.find("r0u0")?.requiredImage;
        if (required !== "other/1" && required !== "other/2") await followOther(names(2000));
        const version = required === "other/1" ? 2 : 1;
        await ask("/v1/streams/other/promote", post({ version }));
        await ask("/v1/streams/other/promote", post({ version, all: true, skipCanary: true }));
        await ask("/v1/streams");
        assert.equal(store.find("r0u0")?.requiredImage, `other/${version}`);
      },
    ],
    [
      "a thousand agents poll and machines boot, twenty in a moment",
      async () => {
        const changes: Promise<unknown>[] = [];
        for (let n = 0; n < 1000; n += 1) {
          const mac = fleetMac(n);
          changes.push(
            store.apply({ kind: "subSeen", id: machineIdFromMac(mac), runningImage: "compute/9", upToDate: true }),
          );
          const asked = { kind: "pxeAsked", mac, firmware: "uefi", network: "rack", nursery: true } as const;
          changes.push(store.apply({ ...asked, stage: "firmware", answer: "local: offerThenNak" }));
          if (n % 20 === 0) await nextTurn();
        }
        await Promise.all(changes);
      },
    ],
    [
      "a hundred unknown boot tokens",
      async () => {
        for (let n = 0; n < 100; n += 1) {
          const body = {
            mac: "02:00:00:00:00:07",
            token: n.toString(16).padStart(64, "0"),
            bootId: crypto.randomUUID(),
          };
          await drain(machines.request(machinePaths.order, post(body)));
        }
      },
    ],
    [
      "the addresses held of a pool of 16 million are counted",
      async () => {
        const book = openAddressBook({ store, clock, log });
        const temporaryPool = { first: ipv4("10.0.0.1"), last: ipv4("10.255.255.254") };
        assert.equal(book.heldOf({ ...network, temporaryPool }), documented.machines);
      },
    ],
    [
      "an unknown machine asks for an address of a pool of 65,536 that is exhausted",
      async () => {
        const temporaryPool = { first: ipv4("10.0.1.0"), last: ipv4("10.1.0.255") };
        let laterMs = 0;
        const monotonicMs = () => clock.monotonicMs() + laterMs;
        const book = openAddressBook({ store, clock: { nowMs: clock.nowMs, monotonicMs }, log });
        const mac = macOf("525400000001");
        const client = { mac, wanted: undefined, holderOf: book.holderFor(mac), recordedIn: store.countAddresses };
        assert.equal(chooseAddress(temporaryPool, client).kind, "exhausted");
        await nextTurn();
        laterMs = vanishedAfterMs;
        assert.equal(await book.returnVanished({ ...network, temporaryPool }), 0);
      },
    ],
    [
      "the watch begins, and looks at every machine",
      async () => {
        using watch = openFleetWatch({ store, clock, log, rules });
        await tickOften(watch);
      },
    ],
    [
      "5,000 machines fall silent in the same second",
      async () => {
        silenceWatch ??= await watchOfSilentFleet();
        await silenceWatch.tick();
      },
    ],
  ];
  for (const [title, work] of works) {
    test(title, async () => {
      const ms = await leastLongestTurnMs(work, documented.turnMs);
      assert.ok(ms < documented.turnMs, `expected turns of less than ${documented.turnMs} ms of CPU, found ${ms} ms`);
    });
  }
});
