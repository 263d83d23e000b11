import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { healthOf, paintedScreen, screenText } from "../../src/cli/read/status.ts";
import type { SummaryView } from "../../src/contract/operator/fleet-views.ts";
import { systemClock as clock } from "../../src/main/system-ports.ts";
import { badNightOfSuite, serveBadNight } from "../support/bad-night.ts";
import { birther } from "./birther-command.ts";

describe("a hundred racks in the middle of their power-on, 27 machines failing", () => {
  const state = badNightOfSuite();

  test("status says how many fail, for which reasons, where, what to do, and when the others arrive", async () => {
    const { status, out } = await birther("status", "--state", state);
    assert.equal(status, 4, out);
    assert.match(out, /^4,000 machines: 1,\d{3} up, 2,\d{3} arriving, 27 failing$/m);
    assert.match(out, /births a minute .*; all up by .* \(50 %\) to .* \(90 %\) \S+, in \d+ min; confidence/);
    assert.match(out, /^wrong: 27 machines, 4 causes$/m);
    assert.match(out, /failing: network of eth…: expected … MiB\/s, found …\n +9 in rack 17; first .*\n +r17u01 /);
    assert.match(out, /^burnIn +1,\d{3} /m);
  });

  test("no line is longer than the terminal, and no word is cut", async () => {
    const summary: SummaryView = JSON.parse((await birther("status", "--state", state, "-o", "json")).out).summary;
    const seen = { summary, inconsistencies: [], streams: [] };
    const whole = screenText(seen, Number.POSITIVE_INFINITY);
    const words = (lines: readonly string[]) => lines.join(" ").replaceAll("█", "").split(/\s+/).join(" ");
    for (const width of [80, 100, 160]) {
      const lines = screenText(seen, width);
      assert.deepEqual(
        lines.filter(({ length }) => length > width),
        [],
      );
      assert.equal(words(lines), words(whole));
    }
    assert.equal(healthOf({ summary: { ...summary, causes: [] }, inconsistencies: [] }), 0);
  });

  test("status --watch: as many lines as the terminal has, each cleared to its end; what is old says so", () => {
    const lines = Array.from({ length: 40 }, (_, at) => `line ${at}\u001b[31m`);
    const painted = (rows: number, lost?: { sinceMs: number; why: string }) =>
      paintedScreen(lines, { lost, rows }).split("\r\n");
    const all = painted(24);
    assert.deepEqual([all.length, all.at(-1)], [24, "\u001b[J"]);
    assert.equal(all[0], "\u001b[Hline 0\ufffd[31m\u001b[K");
    assert.equal(all.at(-2), "… 18 more lines\u001b[K");
    assert.equal(painted(42).at(-2), "line 39\ufffd[31m\u001b[K");
    assert.match(painted(24, { sinceMs: 0, why: "no server runs" })[0] ?? "", /OLD, from before .*: no server runs/);
    assert.ok(painted(1).length <= 2);
  });

  test("racks: one line each; failures: all causes", async () => {
    const racks = (await birther("racks", "--state", state)).out.trimEnd().split("\n");
    assert.equal(racks.length, 101);
    assert.match(racks[17] ?? "", /^rack 17 +40 +31 +9 /);
    const { status, out } = await birther("failures", "--state", state);
    assert.deepEqual([status, out.match(/^ +\d+ {2}(failing|conflict|debug): /gm)?.length], [4, 4]);
  });

  test("machines: sorted, grouped, limited, as names, CSV and YAML", async () => {
    const groups = await birther("machines", "-w", "rack=17", "--group-by", "condition", "--state", state);
    assert.match(groups.out, /^MACHINES +CONDITION\n31 +-\n9 +failing\n$/);
    const names = await birther(
      "machines",
      "-w",
      "rack=9",
      "--sort",
      "unit",
      "-n",
      "2",
      "-o",
      "name",
      "--state",
      state,
    );
    assert.deepEqual([names.out, names.err], ["r09u01\nr09u02\n", "38 more machines are not listed\n"]);
    const csv = await birther("machines", "-w", "rack=9,unit=3", "-o", "csv", "--state", state);
    const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/.source;
    assert.match(
      csv.out,
      new RegExp(`^name,id,rack,unit,.*\r\nr09u03,m-020000000803,9,3,healthy,up,${time},,10[0-9.]+,.*,,,02:.*,\r\n$`),
      "a time and no age, and nothing where there is nothing",
    );
    assert.match(
      (await birther("machines", "-w", "rack=9,unit=3", "-o", "yaml", "--state", state)).out,
      /^- id: m-0200/,
    );
    const whole = await birther("machines", "-o", "yaml", "--state", state);
    assert.deepEqual([whole.status, whole.out.match(/^- id: /gm)?.length], [0, 4000], whole.err);
    const wrong = await birther("machines", "--sort", "colour", "--state", state);
    assert.deepEqual([wrong.status, /--sort: expected one of name, id, .*, found colour/.test(wrong.err)], [2, true]);
  });

  test("what is nearly the name of a machine or of a field is answered with what was perhaps meant", async () => {
    const named = await birther("why", "r17u4", "--state", state);
    assert.deepEqual([named.status, /no machine .* r17u4; similar names: r17u04, /.test(named.err)], [1, true]);
    const field = await birther("machines", "-w", "rak=17", "--state", state);
    assert.match(field.err, /expected one of the fields id, .*, found rak; rack is similar/);
    const nothing = await birther("why", "nobody", "--state", state);
    assert.doesNotMatch(nothing.err, /similar/);
  });

  test("burnin finds the slow disk, and slot the machine and what it waits for", async () => {
    assert.match(
      (await birther("burnin", "--state", state)).out,
      /^R640 +disk +\S+ +write \(MiB\/s\) .* r05u06 120 \(-/m,
    );
    const one = await birther("burnin", "r05u06", "--state", state);
    assert.match(one.out, /^disk +write \(MiB\/s\) +120 +903 +120 to 906 .* FAR FROM THE OTHERS/m);
    const shown = (await birther("show", "r05u06", "--state", state)).out;
    assert.match(shown, /^ {2}timeline \(UTC.*\), beside 4,000 machines of model R640$/m);
    assert.match(shown, /^ {4}burnIn .* \d+:\d\d min +10:00 min \(9:00 min to 11:00 min\)$/m);
    const slot = await birther("slot", "17/1", "--state", state);
    assert.match(slot.out, /^r17u01 waits until .*\n(.*\n)*next: /);
    const nobody = await birther("slot", "tor-17:swp99", "--state", state);
    assert.deepEqual([nobody.status, nobody.err], [1, "no machine has been heard from slot tor-17:swp99\n"]);
    assert.equal((await birther("slot", "17", "--state", state)).status, 2);
  });
});

test("against a server one version older, status says what it does not tell, and a verb that the server lacks says why", async () => {
  const parent = mkdtempSync(join(tmpdir(), "birther-older-"));
  const state = join(parent, "state");
  const served = await serveBadNight(state, clock, "older");
  try {
    const { status, out } = await birther("status", "--state", state);
    assert.equal(status, 4, out);
    assert.match(out, /^wrong: 27 machines, 4 causes$/m);
    assert.match(out, /older than this command and does not tell: imports of images, suspect machines$/m);
    const none = await birther("erasures", "--state", state);
    assert.equal(none.status, 1);
    assert.match(none.err, /the server does not know GET \/v1\/\w+: it is older than this command\nupgrade the server/);
  } finally {
    await served.disposeAsync();
    rmSync(parent, { recursive: true });
  }
});
