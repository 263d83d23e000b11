import assert from "node:assert/strict";
import { test } from "node:test";
import { testConfig } from "../../contract/config/testing/test-config.ts";
import { watchRulesOf } from "./open-watch.ts";

test("watch rules: the deadline of the burn-in covers its configured duration; every other phase has its own deadline", () => {
  const config = testConfig();
  const longer = {
    ...config,
    burnIn: { ...config.burnIn, cpuSeconds: config.burnIn.cpuSeconds + 3600, diskSeconds: 600 },
  };
  const { deadlineSeconds: before, ...rest } = watchRulesOf(config);
  const { deadlineSeconds: after, ...sameRest } = watchRulesOf(longer);
  assert.deepEqual(after, { ...before, initUp: before.initUp + 4200, placed: before.placed + 600 });
  assert.deepEqual(sameRest, rest);
});
