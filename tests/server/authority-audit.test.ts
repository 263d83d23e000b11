import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { testConfig } from "../../src/contract/config/testing/test-config.ts";
import { changeAuthorities } from "../../src/main/authority-actions.ts";
import { openState } from "../../src/main/server/state.ts";
import { systemClock as clock } from "../../src/main/system-ports.ts";

test("the steps of a rotation are in the audit, with the user of this computer and the reason, and without keys", async () => {
  const stateDirectory = mkdtempSync(join(tmpdir(), "birther-rotation-"));
  try {
    const config = testConfig({ stateDirectory });
    const log = () => {};
    await (await openState({ config, clock, log }))[Symbol.asyncDispose]();
    await changeAuthorities({ config, change: "add", override: false, reason: "key leaked" });
    await changeAuthorities({ config, change: "switch", override: false, reason: undefined });
    await using opened = await openState({ config, clock, log });
    const entries = await opened.store.audit({ subject: "ca", limit: 10 });
    const noted = entries.map(({ by, action, request }) => [by, action, request?.from, request?.reason]);
    const by = `uid:${userInfo().username}`;
    assert.deepEqual(noted, [
      [by, "put authority", "local", undefined],
      [by, "put authority", "local", "key leaked"],
    ]);
    assert.equal(new Set(entries.map(({ request }) => request?.id)).size, 2);
    assert.ok(!/PRIVATE KEY/.test(JSON.stringify(entries)));
  } finally {
    rmSync(stateDirectory, { recursive: true });
  }
});
