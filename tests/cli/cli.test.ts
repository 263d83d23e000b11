import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { ImageView, PacketView } from "../../src/contract/operator/views.ts";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { lessonDocument } from "../../src/core/pxe/local-boot/lesson.ts";
import { systemClock as clock, systemRandom as random } from "../../src/main/system-ports.ts";
import { openLoneExports } from "../../src/mdb/exports/lone-exports.ts";
import { modelsOf } from "../../src/mdb/models.ts";
import { type OpenStore, openStore } from "../../src/mdb/open-store.ts";
import { operatorApp } from "../../src/mdb/operator-api/app.ts";
import { backupsIn } from "../../src/mdb/operator-api/backup-stream.ts";
import { callersIn } from "../../src/mdb/operator-api/caller/callers.ts";
import { startOperatorServer } from "../../src/mdb/operator-api/server.ts";
import { asks, birthOf, testMac } from "../../src/mdb/testing/fleet.ts";
import { noCatalogue } from "../../src/mdb/testing/no-catalogue.ts";
import { birther, outcomeOf, start } from "./birther-command.ts";

describe("the birther command against a server on its Unix socket", () => {
  const parent = mkdtempSync(join(tmpdir(), "birther-cli-"));
  const state = join(parent, "state");
  const life = new AsyncDisposableStack();
  const log = () => {};
  let store: OpenStore;
  const offer: PacketView = {
    ...{ atMs: 0, direction: "out", protocol: "dhcp", kind: "offer", facts: ["yiaddr 10.77.0.50"], bytes: "" },
    ...{ source: { address: "10.77.0.1", port: 67 }, destination: { address: "255.255.255.255", port: 68 } },
  };
  const seen = {
    networks: () => [],
    packetsOf: (id: string) => (id === machineIdFromMac(testMac(1)) ? [offer] : []),
  };
  let callers: ReturnType<typeof callersIn>;
  const blastRadius = { machines: 10, percent: 10, perSeconds: 3600 };
  const images: ImageView[] = [{ name: "compute/1", entries: 2, bytes: 3, importedAtMs: 4 }];
  const newApp = () =>
    operatorApp({
      models: modelsOf(store),
      ...{
        store,
        clock,
        log,
        version: "test",
        blastRadius,
        deadlineSeconds: defaultDeadlineSeconds,
        ...callers,
        ...seen,
      },
      catalogue: noCatalogue(),
      images: async () => images,
      exports: life.use(openLoneExports(store, clock)),
      backup: backupsIn(state, store),
    });

  before(async () => {
    mkdirSync(state);
    store = life.use(await openStore({ path: ":memory:", clock, log }));
    callers = callersIn({ store, clock, random, log });
    const app = newApp();
    life.use(await startOperatorServer({ path: join(state, "api.sock"), app, log }));
    for (const event of [...birthOf(1), asks(2, ip("10.77.0.51"))]) await store.apply(event);
    await store.apply({
      kind: "failed",
      id: machineIdFromMac(testMac(2)),
      step: "disk",
      reason: `none${" at all".repeat(30)}`,
    });
    store.addLog(machineIdFromMac(testMac(2)), ["hello from init"]);
  });
  after(async () => {
    await life.disposeAsync();
    rmSync(parent, { recursive: true });
  });
  const asked = (...text: string[]) => birther(...text, "--state", state);

  test("only its owner can open the socket", () => {
    assert.equal(statSync(join(state, "api.sock")).mode & 0o777, 0o600);
  });

  test("machines: a table, whole in a pipe, JSON for programs, filters", async () => {
    const table = await asked("machines");
    assert.equal(table.status, 0, table.err);
    const lines = table.out.trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^NAME +STATE +PHASE +SINCE +ADDRESS +IMAGE +CONDITIONS$/);
    assert.match(table.out, /r01u1 +healthy +initUp .* 10\.77\.1\.1 +compute +-/);
    assert.match(table.out, /m-020000000002 +birth +offered .* 10\.77\.0\.51 +- +failing: disk: none/);
    assert.doesNotMatch(table.out, /…/);
    const json = JSON.parse((await asked("machines", "-o", "json")).out);
    assert.deepEqual(
      json.map((machine: { id: string }) => machine.id),
      ["m-020000000002", "m-020000000001"],
    );
    assert.ok(!JSON.stringify(json).includes("Hash"), "no hashes of secrets");
    const where = ["--where", "state=healthy,condition!=failing"];
    assert.equal(JSON.parse((await asked("machines", ...where, "-o", "json")).out).length, 1);
    const fields = ["--where", "condition=failing", "--fields", "state,macs"];
    const [slim] = JSON.parse((await asked("machines", ...fields, "-o", "json")).out);
    assert.deepEqual(slim, { id: "m-020000000002", macs: [testMac(2)], state: "birth" });
    assert.match((await asked("machines", ...fields)).out, /^ID +STATE +MACS\nm-020000000002 +birth +02:00:/);
    assert.match(
      (await asked("machines", "--labels", "role in web")).err,
      /labels: expected key=.*, found role in web/,
    );
    assert.match(
      (await asked("machines", "--where", "colour=red")).err,
      /where: expected one of the fields .*, found colour/,
    );
  });

  test("show, events, log: the machine by any of its names", async () => {
    for (const name of ["r01u1", testMac(1), "m-020000000001", "10.77.1.1"]) {
      const shown = await asked("show", name);
      assert.match(shown.out, /^r01u1 \(m-020000000001\)\n {2}state +healthy, generation 1/, shown.err);
    }
    assert.match((await asked("show", "r01u1")).out, /storage +root on \/dev\/vda .* not encrypted: test/);
    const events = await asked("events", "r01u1");
    assert.match(events.out, /pxeAsked.*orderIssued.*orderTaken.*becameHealthy/s);
    assert.ok(!events.out.includes("Hash"));
    assert.equal(JSON.parse((await asked("events", "r01u1", "-n", "2", "-o", "json")).out).length, 2);
    assert.match((await asked("log", testMac(2))).out, /^-- boot 1 of 1, .* --\n\d\d:\d\d:\d\d hello from init\n$/);
    assert.equal((await asked("log", testMac(2), "--since", "2099-01-01", "-o", "json")).out, "[]\n");
    const [kept] = JSON.parse((await asked("log", testMac(2), "--boot", "0", "-o", "json")).out);
    assert.deepEqual([kept.text, Number.isInteger(kept.atMs)], ["hello from init", true]);
    const beyond = await asked("log", testMac(2), "--boot", "2");
    assert.deepEqual([beyond.status, beyond.err.includes("boot: expected a number from 0 to 1, found 2")], [2, true]);
    assert.equal((await asked("log", testMac(2), "--boot", "x")).status, 2);
  });

  test("why: what the machine waits for, since when, the evidence and the next step", async () => {
    const born = await asked("why", "r01u1");
    assert.match(born.out, /^r01u1 waits until image compute is imported\n|^r01u1 waits until the burn-in/, born.err);
    const failing = await asked("why", "m-020000000002");
    assert.match(failing.out, /^m-020000000002 waits until its next attempt succeeds.*\n {2}for \d/);
    assert.match(
      failing.out,
      /failing \(set .*\): disk: none at all.*log: hello from init.*\nnext: read birther log m-02/s,
    );
    const json = JSON.parse((await asked("why", testMac(2), "-o", "json")).out);
    assert.deepEqual([json.name, json.overdue], ["m-020000000002", false]);
    assert.match((await asked("why", "nobody")).err, /no machine has the name/);
  });

  test("networks, packets: what the Boot Server saw; a pcap file on request", async () => {
    assert.match((await asked("networks")).err, /^this server has no networks\n/);
    const packets = await asked("packets", "r01u1");
    assert.match(
      packets.out,
      /10\.77\.0\.1:67 +255\.255\.255\.255:68 +> dhcp offer +yiaddr 10\.77\.0\.50/,
      packets.err,
    );
    assert.equal(JSON.parse((await asked("packets", "r01u1", "-o", "json")).out).length, 1);
    const file = join(parent, "r01u1.pcap");
    assert.equal((await asked("packets", "r01u1", "--pcap", file)).status, 0);
    assert.deepEqual([...readFileSync(file).subarray(0, 4)], [0xd4, 0xc3, 0xb2, 0xa1]);
    assert.match((await asked("packets", testMac(2))).err, /no packets since the server started/);
  });

  test("report: one archive with everything known of a machine, and none of the secrets", async () => {
    const secret = "5ec0".repeat(16);
    const record = store.get(machineIdFromMac(testMac(1)));
    store.addLog(machineIdFromMac(testMac(1)), [`init: birther.token=${secret} birther.mac=${testMac(1)}`, secret]);
    const file = join(parent, "report.tar.gz");
    const written = await asked("report", "r01u1", "--file", file);
    assert.match(written.err, /wrote .*report\.tar\.gz: read it before you send it/);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const archive = gunzipSync(readFileSync(file)).toString("latin1");
    for (const name of ["server", "record", "hardware", "events", "packets"])
      assert.ok(archive.includes(`birther-report/${name}.json`), name);
    assert.ok(archive.includes("birther-report/log.txt") && archive.includes("birther-report/packets.pcap"));
    assert.match(archive, /becameHealthy/);
    assert.match(archive, /init: birther\.token=removed birther\.mac=02/);
    const hashes = record !== undefined && "subTokenHash" in record ? [record.subTokenHash] : [];
    assert.ok(hashes.length > 0);
    for (const hidden of [secret, ...hashes.filter((hash) => hash !== undefined)])
      assert.ok(!archive.includes(hidden), hidden);
    assert.match((await asked("report", "r01u1", "--file", file)).err, /expected no file of this name, found one/);
  });

  test("an unknown machine: the answer names the known ones", async () => {
    const outcome = await asked("show", "r01u9");
    assert.equal(outcome.status, 1);
    assert.match(
      outcome.err,
      /no such machine: .*r01u9; similar names: r01u1\nto list all machines, run birther machines/,
    );
  });

  test("a hold refuses rebirths until it is released; rebirth and clean start new generations", async () => {
    assert.match((await asked("hold", "r01u1", "--reason", "disk swap")).out, /r01u1: on hold/);
    const held = await asked("rebirth", "r01u1", "--yes");
    assert.deepEqual([held.status, held.out], [1, ""]);
    assert.match(held.err, /on hold: disk swap .*\n.*birther release r01u1/);
    assert.equal((await asked("release", "r01u1")).status, 0);
    assert.equal((await asked("release", "r01u1")).status, 1);
    const unsaid = await asked("rebirth", "r01u1");
    assert.deepEqual([unsaid.status, unsaid.out], [1, ""]);
    assert.match(unsaid.err, /nothing was changed. r01u1: the next boot erases everything .*\nto confirm, .*--yes/);
    assert.match((await asked("rebirth", "r01u1", "--yes")).out, /r01u1: rebirth, generation 2; to start it/);
    const careless = await asked("clean", "r01u1");
    assert.deepEqual([careless.status, careless.out], [1, ""]);
    assert.match(careless.err, /r01u1: root disk \/dev\/vda is not encrypted.*\n.*nothing was changed.*\nto confirm/);
    assert.match((await asked("clean", "r01u1", "--yes")).out, /r01u1: clean, generation 3/);
    assert.equal(store.find("r01u1")?.state, "clean");
    assert.match((await asked("events", "r01u1")).out, /rebirthAsked .*by uid:\w+/);
  });

  test("cancel cancels a pending clean, once", async () => {
    assert.match((await asked("cancel", "r01u1")).out, /r01u1: cancelled/);
    assert.deepEqual([store.find("r01u1")?.state, store.find("r01u1")?.generation], ["healthy", 3]);
    const again = await asked("cancel", "r01u1");
    assert.deepEqual([again.status, again.out], [1, ""]);
    assert.match(again.err, /r01u1 is in state \w+: no rebirth or clean is pending/);
    assert.match((await asked("clean", "r01u1", "--yes")).out, /generation 4/);
  });

  test("clean says which disks it erases, and asks disks to erase themselves", async () => {
    const foreseen = await asked("clean", "r01u1", "--sanitize", "--dry-run");
    assert.match(foreseen.out, /r01u1 +yes .*erases root disk \/dev\/vda/);
    const misread = await asked("clean", "--sanitize", "r01u1", "--yes");
    assert.match(misread.err, /--sanitize: expected no value or where-offered, found r01u1\nwrite the names .*before/);
    const done = await asked("clean", "r01u1", "--sanitize", "where-offered", "--yes");
    assert.match(done.out, /generation 5, disks that can erase themselves do; to start it/);
    assert.match(done.err, /r01u1: erases root disk/);
    assert.match((await asked("show", "r01u1")).out, /erases +disks that can erase themselves do/);
    assert.match((await asked("clean", "r01u1", "--yes")).out, /generation 6; to start it/);
  });

  test("one unknown name among several: no machine is changed", async () => {
    const before = store.find("r01u1")?.generation;
    assert.equal((await asked("rebirth", "r01u1", "r01u7", "--yes")).status, 1);
    assert.equal(store.find("r01u1")?.generation, before);
  });

  test("one refused machine does not delay the others", async () => {
    const outcome = await asked("rebirth", testMac(2), "r01u1", "--yes");
    assert.equal(outcome.status, 1);
    assert.match(outcome.err, /m-020000000002 is in state birth and was never installed/);
    assert.match(outcome.out, /r01u1: rebirth/);
  });

  test("create, set, selectors, dry run, retire: operators describe machines, and act on many at once", async () => {
    // The state that the tests before leave; this one runs alone, too.
    const { id, state } = store.find("r01u1") ?? assert.fail();
    if (state === "healthy") await store.apply({ kind: "rebirthAsked", id, by: "test" });
    const created = await asked(
      "create",
      "--hostname",
      "db1",
      "--mac",
      testMac(30),
      "tag.role=db",
      "groups=data,night",
    );
    assert.match(created.out, /^m-02000000001e: announced/, created.err);
    const { out: shown } = await asked("show", testMac(30));
    assert.match(shown, /PXE +no requests/);
    assert.match((await asked("create", "--mac", testMac(30))).err, /is already known/);
    assert.match((await asked("create")).err, /expected a machine with `macs` or a `place`/);
    assert.equal((await asked("set", "r01u1", "tag.role=web", "groups=front", "disableUpdates=true")).status, 0);
    assert.match(
      (await asked("set", "r01u1", "colour=red")).err,
      /expected KEY=VALUE with a known key, found colour=red\n.*tag\.NAME/,
    );
    assert.match(
      (await asked("set", "r01u1", "requiredImage=computer")).err,
      /found computer; existing images: compute\/1/,
    );
    const tagged = await asked("machines", "-l", "role in (web,db),role!=db", "-o", "json");
    assert.deepEqual(
      JSON.parse(tagged.out).map(({ hostname }: { hostname: string }) => hostname),
      ["r01u1"],
    );
    assert.match((await asked("machines", "-w", "group=night")).out, /db1/);
    assert.equal((await asked("set", "r01u1", "disableUpdates=", "tag.role=")).status, 0);
    assert.deepEqual([store.find("r01u1")?.tags, store.find("r01u1")?.disableUpdates], [undefined, undefined]);

    const { revision } = store.find("r01u1") ?? assert.fail();
    const dry = await asked("rebirth", "-w", "state in (rebirth,unknown)", "--dry-run");
    assert.match(dry.out, /^r01u1 +yes +rebirth +-$/m, dry.err);
    assert.match(dry.out, /^db1 +no +unknown +db1 was never seen on a network/m);
    assert.equal(store.find("r01u1")?.revision, revision);
    for (const text of [
      ["rebirth", "--yes"],
      ["rebirth", "r01u1", "-w", "state=birth", "--yes"],
    ]) {
      assert.equal((await asked(...text)).status, 2, text.join(" "));
    }
    assert.match((await asked("hold", "-l", "role=none", "-r", "x")).err, /no machine is selected/);
    const setAll = ["set", "-w", "hostname in (r01u1,db1)", "tag.row=3"];
    assert.match((await asked(...setAll)).err, /confirmation required, nothing was changed.*--yes/s);
    assert.equal((await asked(...setAll, "--dry-run")).out, "db1\nr01u1\n");
    assert.equal((await asked(...setAll, "--yes")).out, "db1: tag.row=3\nr01u1: tag.row=3\n");
    assert.equal((await asked("set", "r01u1", "db1", "tag.row=")).out, "r01u1: tag.row=\ndb1: tag.row=\n");
    for (const wrong of [["tag.row=1"], ["r01u1", "-l", "role=db", "tag.row=1"], ["r01u1"]])
      assert.equal((await asked("set", ...wrong)).status, 2, wrong.join(" "));
    assert.match((await asked("hold", "-l", "role=db", "-r", "moving")).out, /^db1: on hold\n$/);
    assert.match((await asked("retire", "db1", "--reason", "sold", "--yes")).out, /m-02000000001e: retired/);
  });

  test("events of the fleet: since an age, of a selection; a name or a selection, not both", async () => {
    const all = await asked("events", "--since", "1h");
    assert.match(all.out, /^TIME \(UTC.*\) +MACHINE +EVENT .*\n(.*\n)*.*r01u1 +becameHealthy /);
    const one = JSON.parse((await asked("events", "--since", "1h", "-w", "hostname=r01u1", "-o", "json")).out);
    const named = JSON.parse((await asked("events", "r01u1", "--since", "1h", "-o", "json")).out);
    const latest = await asked("events", "--since", "1h", "-w", "hostname=r01u1", "-n", "2", "-o", "json");
    assert.deepEqual(JSON.parse(latest.out), one.slice(-2));
    assert.ok(one.length >= 4);
    assert.deepEqual(named, one);
    for (const wrong of [[], ["r01u1", "-w", "rack=1"], ["--since", "soon"], ["--since", "1h", "-n", "all"]])
      assert.equal((await asked("events", ...wrong)).status, 2, wrong.join(" "));
  });

  test("status: the fleet at a glance; exit status 4 while a machine fails; racks and failures", async () => {
    const { status, out } = await asked("status");
    assert.equal(status, 4, out);
    assert.match(out, /^birther test, running for .*\n\d+ machines: .*1 failing/);
    assert.match(out, /wrong: 1 machine, 1 cause\n +1 {2}failing: disk: none at all.*\n +1 in network rack; for /);
    assert.match(out, /server and networks: no faults\nno inconsistencies\n/);
    const failures = await asked("failures", "-o", "json");
    assert.deepEqual([failures.status, JSON.parse(failures.out)[0].first], [4, ["m-020000000002"]]);
    assert.match((await asked("racks")).out, /^RACK +MACHINES +UP .*\nswitch tor-1 +1 +/);
  });

  test("a record that cannot be read: machines and status name it, its fault and what to do", async () => {
    const { unreadable } = store;
    const record = { id: machineIdFromMac(testMac(99)), fault: 'state: …, found "dead"', claims: [], macs: [] };
    Object.assign(store, { unreadable: () => [record] });
    try {
      const named = /the record of m-020000000063 in the MDB is invalid: state: …, found "dead".*birther mdb restore/s;
      const list = await birther("machines", "--state", state);
      assert.deepEqual([list.status, named.test(list.err)], [0, true], list.err);
      const { status, out } = await birther("status", "--state", state);
      assert.deepEqual([status, named.test(out)], [1, true], out);
    } finally {
      Object.assign(store, { unreadable });
    }
  });

  test("quirks: nothing learned, a table, and everything as JSON", async () => {
    assert.match((await birther("quirks", "--state", state)).err, /nothing learned yet/);
    const lesson = { vendor: "Dull", product: "R1", firmware: "uefi", client: "uefiPxe" } as const;
    await store.putDocument(
      lessonDocument({ ...lesson, scores: { offerThenNak: -1, localBootMenu: 2 }, learnedAtMs: 0 }),
    );
    const { out } = await birther("quirks", "--state", state);
    assert.match(out, /^Dull +R1 +uefi +uefiPxe +localBootMenu .* offerThenNak -1, localBootMenu \+2$/m);
    const [quirk] = JSON.parse((await birther("quirks", "--state", state, "-o", "json")).out);
    assert.deepEqual([quirk.method, quirk.scores.localBootMenu], ["localBootMenu", 2]);
  });

  test("mdb: a backup of the running server, restored elsewhere; neither overwrites existing files", async () => {
    const file = join(parent, "backup.sqlite");
    assert.match((await birther("mdb", "backup", file, "--state", state)).out, /backup.sqlite holds the MDB/);
    assert.match(
      (await birther("mdb", "backup", file, "--state", state)).err,
      /already exists\nto replace it, use --yes/,
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const elsewhere = join(parent, "restored.sqlite");
    const restored = await birther("mdb", "restore", file, "--to", elsewhere);
    assert.match(restored.out, new RegExp(`restored ${store.list().length} machines`), restored.err);
    assert.match(restored.err, /hold them before they boot: birther hold/);
    const again = await birther("mdb", "restore", file, "--to", elsewhere);
    assert.equal(again.status, 1);
    assert.match(again.err, /found a fleet in .*; use --yes to replace it/);
    const reason = ["--reason", "disk died"];
    assert.equal((await birther("mdb", "restore", file, "--to", elsewhere, "--yes", ...reason)).status, 0);
    const copied = await birther("mdb", "copy", "--from", elsewhere, "--to", join(parent, "copied.sqlite"), ...reason);
    assert.match(copied.out, /copied \d+ machines/);
    await using copy = await openStore({ path: join(parent, "copied.sqlite"), clock, log });
    assert.deepEqual(new Set(copy.list()), new Set(store.list()));
    assert.deepEqual(
      (await copy.audit({ subject: "MDB", limit: 10 })).map(({ action, by, request, after: facts }) => [
        ...[action, by, request?.reason],
        (facts as { from: string }).from,
      ]),
      [
        ["copy MDB", "uid:root", "disk died", elsewhere],
        ["restore MDB", "uid:root", "disk died", file],
      ],
    );
  });

  test("secure-boot make-key leaves who made it, and why, for the audit", async () => {
    const site = join(parent, "key-site");
    const made = await birther("secure-boot", "make-key", "--state", site, "--reason", "own keys");
    assert.equal(made.status, 0, made.err);
    assert.equal(statSync(site).mode & 0o777, 0o700);
    const [act = ""] = readdirSync(join(site, "acts"));
    const { action, by, reason, facts } = JSON.parse(readFileSync(join(site, "acts", act), "utf8"));
    assert.deepEqual([action, by, reason], ["make Secure Boot key", "uid:root", "own keys"]);
    assert.match(facts.fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    assert.notEqual((await birther("secure-boot", "make-key", "--state", site)).status, 0);
    assert.equal(readdirSync(join(site, "acts")).length, 1, "nothing was made, so nothing is said");
  });

  test("watch prints changes as they happen", async () => {
    const child = start(["watch", "-o", "json", "--state", state]);
    const outcome = outcomeOf(child);
    // The watch is established when the first change arrives; make changes until then.
    const ticking = setInterval(() => void store.apply(asks(3)), 50);
    await once(child.stdout ?? assert.fail(), "readable");
    clearInterval(ticking);
    child.kill("SIGINT");
    const { out, status } = await outcome;
    const change = JSON.parse(out.split("\n")[0] ?? "");
    assert.deepEqual([change.event.kind, change.machine.id, status], ["pxeAsked", "m-020000000003", 0]);
    const again = start(["watch", "-o", "json", "--since", "1", "--state", state]);
    const since = outcomeOf(again);
    await once(again.stdout ?? assert.fail(), "readable");
    again.kill("SIGINT");
    assert.equal(JSON.parse((await since).out.split("\n")[0] ?? "").position, 2);
  });

  test("no server: exit status 3 and how to start one", async () => {
    const outcome = await birther("machines", "--state", join(parent, "nowhere"));
    assert.equal(outcome.status, 3);
    assert.match(outcome.err, /no server runs at .*nowhere\/api\.sock\nstart one with birther serve --config FILE/);
    const byEnvironment = await outcomeOf(start(["machines"], { BIRTHER_STATE: state }));
    assert.equal(byEnvironment.status, 0);
  });

  test("export: the Dominator's MDB, Ansible's inventory, NetBox's tables, metrics", async () => {
    for (const event of birthOf(3)) await store.apply(event);
    const rows = JSON.parse((await asked("export", "dominator")).out);
    assert.ok(rows.some((row: { Hostname: string }) => row.Hostname === "r01u3"));
    const inventory = JSON.parse((await asked("export", "ansible", "--list")).out);
    assert.ok(inventory.state_healthy.hosts.includes("r01u3"));
    const host = JSON.parse((await asked("export", "ansible", "--host", "r01u3")).out);
    assert.deepEqual(inventory._meta.hostvars.r01u3, host);
    assert.equal((await asked("export", "ansible")).status, 2);
    const devices = await asked("export", "netbox", "devices", "--site", "here", "--role", "node");
    assert.match(devices.out, /^r01u3,node,Unknown,Unknown,,active,here,,,,$/m);
    assert.match((await asked("export", "netbox", "interfaces", "--mac-column")).out, /,mac_address\r\n/);
    const wrong = await asked("export", "netbox", "cables");
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /expected one of manufacturers, device-types/);
    assert.match(
      (await asked("export", "metrics")).out,
      /^birther_machines\{state="healthy",phase="[a-zA-Z]+"\} \d+$/m,
    );
  });

  test("wrong command lines: exit status 2", async () => {
    for (const text of [["machine"], ["show"], ["machines", "--colour"], ["machines", "--in"], ["hold", "r01u1"]]) {
      assert.equal((await birther(...text)).status, 2, text.join(" "));
    }
  });

  test("bad requests are refused with a problem, also from admins", async () => {
    const app = newApp();
    const listener = { kind: "socket", user: "test" } as const;
    const rows: [string, string, string | undefined, number][] = [
      ["GET", "/v1/machines?colour=red", undefined, 400],
      ["GET", "/v1/machines?state=birth&state=clean", undefined, 400],
      ["GET", "/v1/machines/r01u1/events?limit=0", undefined, 400],
      ["POST", "/v1/machines/r01u1/rebirth", "{", 400],
      ["POST", "/v1/machines/r01u1/rebirth", '{"by":"me"}', 422],
      ["POST", "/v1/machines/r01u1/hold", "{}", 422],
      ["POST", "/v1/machines/r01u1/hold", JSON.stringify({ reason: "x".repeat(2_000_000) }), 413],
      ["DELETE", "/v1/machines/r01u1", undefined, 405],
      ["GET", "/v2", undefined, 404],
    ];
    for (const [method, path, body, status] of rows) {
      const sent =
        body === undefined
          ? {}
          : { body, headers: { "content-type": "application/json", "content-length": String(body.length) } };
      const answer = await app.request(path, { method, ...sent }, { listener });
      assert.equal(answer.status, status, `${method} ${path}`);
      assert.match(answer.headers.get("content-type") ?? "", /problem\+json/);
    }
    const get = async (path: string) => (await app.request(path, {}, { listener })).json();
    assert.deepEqual(await get("/v1/images"), { images, imports: [] });
    assert.deepEqual(await get("/v1/check"), { inconsistencies: [] });
    assert.equal(((await get("/v1/status")) as { version: string }).version, "test");
  });
});
