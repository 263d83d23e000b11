import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import type { ErasureStatement } from "../../src/core/erasure/erasure.ts";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { systemClock as clock, systemRandom as random } from "../../src/main/system-ports.ts";
import { openLoneExports } from "../../src/mdb/exports/lone-exports.ts";
import { modelsOf } from "../../src/mdb/models.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { operatorApp } from "../../src/mdb/operator-api/app.ts";
import { backupsIn } from "../../src/mdb/operator-api/backup-stream.ts";
import { callersIn } from "../../src/mdb/operator-api/caller/callers.ts";
import { startOperatorServer } from "../../src/mdb/operator-api/server.ts";
import { testMac } from "../../src/mdb/testing/fleet.ts";
import { noCatalogue } from "../../src/mdb/testing/no-catalogue.ts";
import { signedWith } from "../../src/mdb/tls/erasure-signer.ts";
import { makeAuthority } from "../native/certificates.ts";
import { birther } from "./birther-command.ts";

const disk = { path: "/dev/sda", serial: "S-1", wwn: "naa.5", model: "Dull 4000", sizeBytes: 4_000_000_000 };
const machine = machineIdFromMac(testMac(1));
const said: ErasureStatement = {
  ...{ birtherErasure: 1, id: "e1", machine: { id: machine, hostname: "r01u1" }, action: "clean", generation: 2, disk },
  outcome: { kind: "keysDestroyed" },
  steps: [
    {
      ...{ method: "keyDestroyed", what: "1 disk key in UEFI variables", found: 1 },
      ...{ startedAt: "2026-11-30T09:00:00.000Z", endedAt: "2026-11-30T09:00:01.000Z" },
      verification: { kind: "verified", how: "it lists no disk key" },
    },
  ],
  reportedAt: "2026-11-30T09:00:02.000Z",
};
const statement = JSON.stringify(said);

describe("birther erasures", () => {
  const parent = mkdtempSync(join(tmpdir(), "birther-erasures-"));
  const state = join(parent, "state");
  const life = new AsyncDisposableStack();
  const log = () => {};
  const asked = (...text: string[]) => birther("erasures", ...text, "--state", state);

  before(async () => {
    mkdirSync(state);
    const store = life.use(await openStore({ path: ":memory:", clock, log }));
    const app = operatorApp({
      models: modelsOf(store),
      ...{ store, clock, log, version: "test", deadlineSeconds: defaultDeadlineSeconds },
      ...{ blastRadius: { machines: 10, percent: 10, perSeconds: 3600 }, ...callersIn({ store, clock, random, log }) },
      ...{ networks: () => [], packetsOf: () => [], catalogue: noCatalogue(), images: async () => [] },
      ...{ exports: life.use(openLoneExports(store, clock)), backup: backupsIn(state, store) },
    });
    life.use(await startOperatorServer({ path: join(state, "api.sock"), app, log }));
    assert.match((await asked()).err, /no erasure is recorded/);
    const { pem, keyPem } = await makeAuthority("test CA");
    writeFileSync(join(parent, "ca.pem"), pem);
    const { path, serial, wwn } = disk;
    const about = { machine, generation: 2, bootId: "b", path, serial, wwn, atMs: Date.parse(said.reportedAt) };
    const signature = signedWith(await keyPem(), "AA:BB")(statement);
    await store.putDocument({ kind: "erasure", key: "e1", document: { ...about, statement, signature } });
  });
  after(async () => {
    await life.disposeAsync();
    rmSync(parent, { recursive: true });
  });

  test("a table of what is wanted, and JSON with what was signed", async () => {
    assert.match(
      (await asked()).out,
      /^2026-11-30 \S+ +e1 +r01u1 +S-1 +Dull 4000 +clean +encrypted data, keys destroyed$/m,
    );
    assert.match((await asked("--serial", "naa.5")).out, / e1 /);
    assert.match((await asked("--machine", machine)).out, / e1 /);
    assert.match((await asked("--serial", "S-2")).err, /no erasure is recorded that fits/);
    assert.match((await asked("--since", "2026-12-01")).err, /no erasure is recorded that fits/);
    const [exported] = JSON.parse((await asked("-o", "json")).out);
    assert.deepEqual([exported.statement, exported.facts], [statement, said]);
    assert.match((await asked("show", "e9")).err, /no erasure has the id e9/);
    assert.match((await asked("--limit", "none")).err, /--limit: expected a number of erasures/);
  });

  test("a certificate to print, whose own commands prove it with openssl and the CA certificate", async () => {
    const page = (await asked("show", "e1", "--certificate")).out;
    assert.match(page, /CERTIFICATE OF ERASURE/);
    assert.match(page, /Disk +serial number S-1\n +model Dull 4000, WWN naa\.5\n +4,000,000,000 bytes/);
    assert.match(page, /Verified +it lists no disk key/);
    assert.ok(page.split("\n").every((line) => line.length <= 78));
    const commands = page.split("\n").flatMap((line) => (/^ {2}(birther|openssl) /.test(line) ? [line.trim()] : []));
    assert.equal(commands.length, 4, page);
    const env = {
      ...process.env,
      BIRTHER_STATE: state,
      PATH: `${join(import.meta.dirname, "../..")}:${process.env.PATH}`,
    };
    const check = async (change = ":") => {
      const script = ["set -e", ...commands.slice(0, 3), change, ...commands.slice(3)].join("\n");
      return (await promisify(execFile)("bash", ["-c", script], { cwd: parent, env })).stdout;
    };
    assert.match(await check(), /^Verified OK$/m);
    const forged = check("sed -i s/S-1/S-9/ erasure.json");
    await assert.rejects(forged, ({ stdout }: { stdout?: string }) => /^Verification failure$/im.test(stdout ?? ""));
  });
});
