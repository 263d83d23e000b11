import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { runProgram } from "./native-program.ts";

const ip = (...words: readonly string[]) => execFileSync("ip", words, { encoding: "utf8" });

await insideNamespace(import.meta.url, () => {
  test("Linux at the other end of a cable answers init's questions for its IPv4 and IPv6 addresses", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "address-probe-"));
    t.after(() => rmSync(directory, { recursive: true }));
    ip("link", "add", "name", "leg0", "address", "52:54:00:00:00:01", "type", "veth", "peer", "name", "far0");
    ip("link", "set", "far0", "address", "02:00:00:00:00:99");
    for (const name of ["leg0", "far0"]) ip("link", "set", name, "up");
    ip("address", "add", "10.77.1.71/24", "dev", "far0");
    ip("address", "add", "2001:db8:1::47/64", "dev", "far0");
    await waitFor("the end of duplicate address detection", 60, () =>
      ip("-6", "address", "show", "dev", "far0").includes("tentative") ? undefined : true,
    );
    const asked = ["10.77.1.71", "10.77.1.72", "2001:db8:1::47", "2001:db8:1::48"];
    assert.deepEqual(await runProgram(directory, "address-probe", ["leg0", "52:54:00:00:00:01", ...asked]), [
      ...["02:00:00:00:00:99", "nobody"],
      ...["02:00:00:00:00:99", "nobody"],
    ]);
  });
});
