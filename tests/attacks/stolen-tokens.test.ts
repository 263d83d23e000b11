import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import * as v from "valibot";
import { testConfig } from "../../src/contract/config/testing/test-config.ts";
import {
  type OrderChallenge,
  type OrderRequest,
  orderAnswer,
  orderChallenge,
  type TpmReport,
} from "../../src/contract/machine/order.ts";
import { paths } from "../../src/contract/machine/paths.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { Store } from "../../src/core/ports.ts";
import { machineFacingApp } from "../../src/mdb/machine-api/app.ts";
import { orderIssuer } from "../../src/mdb/machine-api/issue-order.ts";
import { asks, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";
import { openMemoryStore } from "../../src/mdb/testing/memory-store.ts";
import { makeTpm } from "../init/host/devices/tpm.ts";
import { bootWith, type KeyReport } from "../support/tpm-boot.ts";
import { repeatAttack } from "./attack.ts";

const config = testConfig();
const clock = stillClock();
const random = { bytes: (count: number) => randomBytes(count) };
const log = () => {};
const mac = testMac(1);
const id = machineIdFromMac(mac);
type Sent = Pick<OrderRequest, "token" | "bootId"> & { readonly tpm?: TpmReport };

/** Two servers on one database, which share the key of their challenges. */
function serversOn(store: Store) {
  const challengeKey = randomBytes(32);
  const open = () => {
    const app = machineFacingApp({ store, config, clock, random, log, challengeKey });
    return async (sent: Sent): Promise<unknown> => {
      const body = JSON.stringify({ protocol: 1, mac, firmware: "uefi", ...sent });
      const headers = { "content-type": "application/json" };
      return await (await app.request(paths.order, { method: "POST", body, headers })).json();
    };
  };
  return [open(), open()] as const;
}

type Server = ReturnType<typeof serversOn>[number];

async function challengeOf(server: Server, sent: Sent): Promise<OrderChallenge["challenge"]> {
  return v.parse(orderChallenge, await server(sent)).challenge;
}

async function newToken(store: Store): Promise<string> {
  await store.apply(asks(1));
  const issued = await orderIssuer({ store, clock, random, orderSeconds: config.orderSeconds })(id);
  if (issued.kind !== "issued") assert.fail(issued.kind);
  return issued.token;
}

/** A thief's attempts with the newest token of a bound machine, and with everything that the wire and the machine showed. */
function attemptsOf(thief: { readonly token: string; readonly seen: KeyReport; readonly proof: KeyReport }) {
  const { token, seen, proof } = thief;
  const own = bootWith(makeTpm());
  const ask = (tpm?: TpmReport, bootId = "thief"): Sent => ({ token, bootId, ...(tpm && { tpm }) });
  const refusedTpm = async (server: Server, report: KeyReport) => {
    const challenge = await challengeOf(server, ask(report));
    assert.throws(() => own.answer(challenge), /refused/, "another TPM decrypts nothing");
    return await server(ask({ ...report, secret: challenge.encryptedSecret.slice(0, 64) }));
  };
  return [
    (server: Server) => server(ask()),
    (server: Server) => server(ask({ kind: "none" })),
    (server: Server) => server(ask({ kind: "unusable", reason: "broken" })),
    async (server: Server) => await server(ask(own.answer(await challengeOf(server, ask(own.report))))),
    (server: Server) => refusedTpm(server, seen),
    (server: Server) => refusedTpm(server, { ...seen, activator: own.report.activator }),
    (server: Server) => server(ask(proof)),
    (server: Server) => server(ask(proof, "boot 1")),
    (server: Server) => server(ask({ ...seen, secret: "00".repeat(32) })),
  ];
}

test("a stolen token of a machine with a TPM gives no order on another host, at either server, whatever is replayed", async (t) => {
  await using store = await openMemoryStore({ clock, log });
  const servers = serversOn(store);
  const tpm = makeTpm();
  const first = bootWith(tpm);
  const before: Sent = { token: await newToken(store), bootId: "boot 1" };
  const proof = first.answer(await challengeOf(servers[0], { ...before, tpm: first.report }));
  v.parse(orderAnswer, await servers[0]({ ...before, tpm: proof }));
  assert.equal(store.get(id)?.tpm?.ekSha256, tpm.ekSha256());

  const token = await newToken(store);
  const attempts = attemptsOf({ token, seen: first.report, proof });
  await repeatAttack(t, 2 * attempts.length, async (round) => {
    const answer = await attempts[round >> 1]?.(servers[(round % 2) as 0 | 1]);
    const taken = store.get(id)?.order?.taken !== undefined || v.safeParse(orderAnswer, answer).success;
    return taken ? `attempt ${round >> 1} took the order` : undefined;
  });
  assert.deepEqual(
    store.get(id)?.conditions.map(({ kind }) => kind),
    ["conflict"],
    "the attempts are noticed",
  );

  const again = bootWith(tpm);
  const mine = { token, bootId: "boot 2" };
  const elsewhere = again.answer(await challengeOf(servers[0], { ...mine, tpm: again.report }));
  // As behind a balancer: one server challenges, the other is answered.
  v.parse(orderAnswer, await servers[1]({ ...mine, tpm: elsewhere }));
  assert.deepEqual(store.get(id)?.conditions, [], "the machine itself is served, and the conflict is over");
});
