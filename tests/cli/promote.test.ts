import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { StreamView } from "../../src/contract/operator/views.ts";
import { adoptImports } from "../../src/mdb/image-streams/first-current.ts";
import { startOperatorServer } from "../../src/mdb/operator-api/server.ts";
import { openApp } from "../../src/mdb/testing/operator-app.ts";
import { birther } from "./birther-command.ts";

describe("image promote, rollback and list against a server", () => {
  const parent = mkdtempSync(join(tmpdir(), "birther-promote-"));
  const state = join(parent, "state");
  const life = new AsyncDisposableStack();
  let site: Awaited<ReturnType<typeof openApp>>;
  /** What the next machine does that gets another version: it runs it at once, or its update fails. */
  let update: "succeeds" | "fails" = "succeeds";

  before(async () => {
    mkdirSync(state);
    site = life.use(await openApp(3, 0, ["compute/1", "compute/2", "compute/3"]));
    const { store, app, log } = site;
    await adoptImports(site, ["compute/1"]);
    for (const { id } of store.list()) await store.apply({ kind: "subSeen", id, runningImage: "compute/1" });
    const unwatch = store.watch(({ event }) => {
      if (event.kind !== "imageRequired") return;
      const { id, image } = event;
      void store.apply(
        update === "succeeds"
          ? { kind: "subSeen", id, runningImage: image }
          : { kind: "failed", id, step: "update", reason: "no space", image },
      );
    });
    life.defer(unwatch);
    life.use(await startOperatorServer({ path: join(state, "api.sock"), app, log }));
  });
  after(async () => {
    await life.disposeAsync();
    rmSync(parent, { recursive: true });
  });

  const image = (...text: string[]) => birther("image", ...text, "--state", state);
  const required = () => site.store.list().map(({ requiredImage }) => requiredImage);

  test("one machine first, with the next steps; then all, by the same command with --all", async () => {
    const one = await image("promote", "compute/2", "--canary", "r01u2");
    assert.equal(one.status, 0, one.err);
    assert.match(one.out, /^r01u2 gets compute\/2 first; the other machines stay on compute\/1/);
    assert.match(one.out, /birther image promote compute\/2 --all; to return it: birther image rollback compute$/m);
    assert.deepEqual(required(), ["compute/1", "compute/2", "compute/1"]);
    assert.match((await image("list")).out, /^compute\/2 .* succeeded on r01u2$/m);
    assert.match((await birther("status", "--state", state)).out, /compute: compute\/2 on r01u2 succeeded/);
    const all = await image("promote", "compute/2", "--all");
    assert.equal(all.status, 0, all.err);
    assert.deepEqual(required(), ["compute/2", "compute/2", "compute/2"]);
    const list = (await image("list")).out;
    assert.match(list, /^compute\/1 .* previous$/m);
    assert.match(list, /^compute\/2 .* current, run by 3 of 3 machines$/m);
    assert.match((await birther("show", "r01u1", "--state", state)).out, /compute\/2 required \(follows compute\)/);
  });

  test("a first machine that fails is named with its reason, the rest stays, and rollback returns it", async () => {
    update = "fails";
    const failed = await image("promote", "compute/3", "--all");
    assert.equal(failed.status, 1);
    assert.match(
      failed.err,
      /r01u1 is not up with compute\/3: failing: update: no space; the other 2 machines stay on compute\/2\nsee birther why r01u1; .*birther image rollback compute/,
    );
    assert.deepEqual(required(), ["compute/3", "compute/2", "compute/2"]);
    update = "succeeds";
    assert.match((await image("rollback", "compute")).out, /^compute\/2 is current: 3 machines require it/);
    assert.deepEqual(required(), ["compute/2", "compute/2", "compute/2"]);
    assert.deepEqual(site.store.find("r01u1")?.conditions, []);
  });

  test("--all --no-canary moves all at once, as JSON too; rollback moves them back", async () => {
    const { out, err } = await image("promote", "compute/3", "--all", "--no-canary", "-o", "json");
    assert.deepEqual([(JSON.parse(out) as StreamView).current, err], ["compute/3", ""]);
    assert.deepEqual(required(), ["compute/3", "compute/3", "compute/3"]);
    assert.match((await image("rollback", "compute")).out, /^compute\/2 is current/);
    assert.deepEqual(required(), ["compute/2", "compute/2", "compute/2"]);
  });

  test("refused: a stream instead of a version, a version that does not exist, --no-canary alone", async () => {
    assert.match((await image("promote", "compute")).err, /expected STREAM\/VERSION such as compute\/3, found compute/);
    assert.match((await image("promote", "compute/9")).err, /found compute\/9; existing images: compute\/1/);
    assert.match((await image("promote", "compute/3", "--no-canary")).err, /--no-canary: expected --all with it/);
    assert.match((await image("rollback", "gpu")).err, /gpu has no current version/);
  });
});
