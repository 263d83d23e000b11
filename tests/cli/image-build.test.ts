import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { birther } from "./birther-command.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-recipe-"));
after(() => rmSync(directory, { recursive: true }));

test("image build: a recipe with faults is refused with each place, before anything is built", async () => {
  const file = join(directory, "bad.yaml");
  writeFileSync(file, "suite: bookworm\npackages: [openssh-server]\nhook: []\n");
  const state = join(directory, "state");
  const { status, err } = await birther("image", "build", "compute", file, "--state", state);
  assert.equal(status, 2, err);
  assert.match(err, /bad\.yaml: packages: expected a kernel; add linux-image-amd64/);
  assert.match(err, /hook: unknown key/);
  const none = await birther("image", "build", "compute", "--state", state);
  assert.equal(none.status, 2);
  assert.match(none.err, /expected the file of a recipe, found none/);
  const absent = await birther("image", "build", "compute", join(directory, "absent.yaml"), "--state", state);
  assert.match(absent.err, /absent\.yaml: expected the file of a recipe/);
  assert.deepEqual(readdirSync(directory), ["bad.yaml"]);
});
