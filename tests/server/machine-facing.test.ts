import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import * as v from "valibot";
import { configSchema } from "../../src/contract/config/schema.ts";
import { credentialFor } from "../../src/contract/credential.ts";
import { paths } from "../../src/contract/machine/paths.ts";
import { operatorRoutes } from "../../src/contract/operator/routes.ts";
import type { MachineEvent } from "../../src/core/machine/event.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { Store } from "../../src/core/ports.ts";
import { openWaitingNotes } from "../../src/core/uplink/waiting-notes.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { subApp } from "../../src/dominator/sub/app.ts";
import { openFetchTurns } from "../../src/dominator/sub/fetch-turns.ts";
import { inlineTasks } from "../../src/dominator/thread/tasks.ts";
import { systemRandom as random } from "../../src/main/system-ports.ts";
import { hashSecret } from "../../src/mdb/http/credential.ts";
import { machineFacingApp } from "../../src/mdb/machine-api/app.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { tokensIn } from "../../src/mdb/operator-api/caller/tokens.ts";
import { asks, birthOf, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";

const secret = (digit: string) => digit.repeat(64);
const id = (n: number) => machineIdFromMac(testMac(n));
/**
 * Credentials of machine 1, which is healthy: its used birth token, the session of its birth, its agent's credential.
 */
const own = { token: secret("a"), session: credentialFor(id(1), secret("b")), sub: credentialFor(id(1), secret("c")) };
/** Credential of machine 2, which fetched a boot script long ago. */
const expired = secret("d");

const config = v.parse(configSchema, {
  networks: [
    {
      ...{ name: "rack", interface: "rack0", serverAddress: "10.77.0.1", prefix: "10.77.0.0/24", nursery: true },
      temporaryPool: { first: "10.77.0.50", last: "10.77.0.250" },
    },
  ],
});

function withRealHashes(event: MachineEvent): MachineEvent {
  const kept = { tokenHash: own.token, sessionHash: own.session, subTokenHash: own.sub };
  const facts = Object.entries(event).map(([name, value]) => {
    return [name, name in kept ? hashSecret(kept[name as keyof typeof kept]) : value];
  });
  return Object.fromEntries(facts) as MachineEvent;
}

describe("the machine-facing routes", () => {
  const directory = mkdtempSync(join(tmpdir(), "birther-facing-"));
  const clock = stillClock();
  const log = () => {};
  const life = new AsyncDisposableStack();
  let store: Store;
  let apps: ReturnType<typeof machineFacingApp>[];
  let operatorToken = "";

  before(async () => {
    store = life.use(await openStore({ path: ":memory:", clock, log }));
    for (const event of birthOf(1)) await store.apply(withRealHashes(event));
    await store.apply(asks(2));
    await store.apply({
      ...{ kind: "orderIssued", id: id(2), tokenHash: hashSecret(expired) },
      expiresAtMs: clock.nowMs() + 1000,
    });
    clock.pass(2000);
    const images = await openImageStore(join(directory, "images"), { log });
    const notes = openWaitingNotes({ store, clock, log });
    apps = [
      machineFacingApp({ store, config, clock, random, log }),
      subApp({ store, images, tasks: inlineTasks(), caPem: "", clock, log }),
      openFetchTurns({ store, bootImagesWait: () => false, notes, clock, log }).app,
    ];
    const made = await tokensIn({ store, clock, random, log }).create({ name: "root", role: "admin", by: "test" });
    operatorToken = made.kind === "created" ? made.token : assert.fail();
  });
  after(async () => {
    await life.disposeAsync();
    rmSync(directory, { recursive: true });
  });

  const placement = { switchName: "tor-1", port: "swp9", position: {}, hostname: "r01u9", address: "10.77.0.9" };
  const orderWith = (token: string, n: number) => ({ token, mac: testMac(n), bootId: "new", firmware: "bios" });
  /** Bodies as a machine sends them: only the credential is wrong. */
  const bodies: { readonly [path: string]: readonly object[] } = {
    [paths.order]: [secret("0"), own.token, own.sub, own.session, expired].flatMap((token) => [
      orderWith(token, 1),
      orderWith(token, 2),
      orderWith(token, 9),
    ]),
    [paths.report]: [
      {
        items: [
          { kind: "placed", placement },
          { kind: "failed", step: "disk", reason: "none" },
        ],
      },
    ],
    [paths.healthy]: [
      {
        ...{ generation: 1, hostname: "r01u9", address: "10.77.0.9", image: "compute", placement },
        storage: {
          rootDisk: { path: "/dev/vda", serial: "", sizeBytes: 1, why: "only" },
          encryption: { kind: "none", reason: "test" },
        },
      },
    ],
    [paths.resume]: [{}],
    [paths.recovery]: [{ nonce: "0".repeat(64) }],
    [paths.subPoll]: [{ machineId: id(1) }],
    [paths.fetchTurn]: [{ machineId: id(1), totalBytes: 1e9, doneBytes: 0 }],
  };
  /** The routes of an agent, which has its own credential. */
  const ofAgents: readonly string[] = [paths.subPoll, paths.fetchTurn];

  test("they are the routes of the contract, without any operator route", () => {
    const routes = apps.flatMap((app) => app.routes.map(({ method, path }) => `${method} ${path}`));
    const expected = Object.values(paths).map((path) => `POST ${path}`);
    assert.deepEqual([...new Set(routes)].sort(), expected.sort());
    for (const { method, path } of Object.values(operatorRoutes)) assert.ok(!routes.includes(`${method} ${path}`));
  });

  test("without a valid credential for the route, each request is refused and nothing is written", async () => {
    const before = { position: store.position(), machines: store.list(), lines: store.log(id(1)).length };
    const foreign = credentialFor(id(2), secret("c"));
    const stranger = credentialFor(id(1), secret("f"));
    // The session of its birth stays valid until the next birth: a machine may have to report twice that it is healthy.
    const bearers = [undefined, "x", secret("0"), own.token, stranger, foreign, operatorToken];
    for (const app of apps) {
      for (const path of new Set(app.routes.map((route) => route.path))) {
        // The credential of a healthy machine's agent is valid for the agent's routes only.
        for (const bearer of ofAgents.includes(path) ? bearers : [...bearers, own.sub]) {
          for (const body of bodies[path] ?? assert.fail(`no body for ${path}`)) {
            const headers = {
              "content-type": "application/json",
              ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
            };
            const { status } = await app.request(path, { method: "POST", headers, body: JSON.stringify(body) });
            const said = `${path} ${bearer} ${JSON.stringify(body)}: ${status}`;
            assert.ok([401, 403, 404, 409].includes(status), said);
          }
        }
      }
    }
    assert.deepEqual([store.position(), store.list()], [before.position, before.machines]);
  });

  test("random bytes are refused, never with a 5xx, and nothing is written", async () => {
    const before = store.position();
    const document = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(...Object.values(bodies).flat()),
      fc.dictionary(fc.constantFrom("items", "token", "mac", "generation"), fc.jsonValue()),
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      document.map((value) => Buffer.from(JSON.stringify(value))),
    );
    const route = fc.constantFrom(...apps.flatMap((app) => app.routes.map(({ path }) => ({ app, path }))));
    await fc.assert(
      fc.asyncProperty(route, body, fc.string(), async ({ app, path }, bytes, bearer) => {
        const authorization = `Bearer ${encodeURIComponent(bearer)}`;
        const { status } = await app.request(path, {
          method: "POST",
          headers: { authorization },
          body: Buffer.from(bytes),
        });
        assert.ok(status >= 400 && status < 500, `${path} ${status}`);
      }),
      { numRuns: 400 },
    );
    assert.equal(store.position(), before);
  });

  test("with a valid credential the same requests are accepted, so the test above can fail", async () => {
    const poll = await apps[1]?.request(paths.subPoll, {
      method: "POST",
      headers: { authorization: `Bearer ${own.sub}`, "content-type": "application/json" },
      body: "{}",
    });
    assert.equal(poll?.status, 400, "authenticated, but the body is empty");
    await store.apply({
      ...{ kind: "orderIssued", id: id(2), tokenHash: hashSecret(secret("e")) },
      expiresAtMs: clock.nowMs() + 1000,
    });
    const order = await apps[0]?.request(paths.order, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(orderWith(secret("e"), 2)),
    });
    assert.equal(order?.status, 200);
  });
});
