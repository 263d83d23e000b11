import { chmodSync, linkSync, lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { machineFilterLines } from "../../src/core/image/filter.ts";
import { type Sketch, type SubFixture, startSubFixture } from "../dominator/sub-fixture.ts";
import { repeatAttack } from "./attack.ts";
import { type AttackerProgram, compileAttacker, giveAway, runAttacker } from "./attacker.ts";

/** A user keeps the old, vulnerable version of a program that runs as root, across the update that replaces it. */

let tenant: AttackerProgram;
before(() => {
  tenant = compileAttacker("tenant");
});
after(() => tenant[Symbol.dispose]());

const kernel: Sketch = { "boot/vmlinuz-6": "kernel", "boot/initrd.img-6": "initrd" };
const program = "usr/bin/su";
const setUid = 0o4000;

/** What the next version of the image does with the program. */
const rows: readonly { readonly title: string; readonly next: Sketch; readonly mode: number }[] = [
  { title: "is replaced", next: { [program]: "safe" }, mode: 0o4755 },
  { title: "is removed", next: { "usr/bin/": "" }, mode: 0 },
  { title: "loses its right", next: { [program]: "vulnerable" }, mode: 0o755 },
];

async function importVersion(fixture: SubFixture, sketch: Sketch, mode: number): Promise<void> {
  await fixture.importSketch({ ...kernel, ...sketch, "etc/other": "same" }, machineFilterLines, (source) => {
    if (mode !== 0) chmodSync(join(source, program), mode);
  });
}

async function update(fixture: SubFixture): Promise<void> {
  const { status, stdout, stderr } = await fixture.runAgent();
  if (status !== 0) throw new Error(`the agent ended with status ${status}: ${stdout}${stderr}`);
}

async function machineWithProgram(): Promise<SubFixture> {
  const fixture = await startSubFixture();
  for (const path of [dirname(fixture.root), fixture.root]) chmodSync(path, 0o755);
  await importVersion(fixture, { [program]: "vulnerable" }, 0o4755);
  await update(fixture);
  if ((lstatSync(join(fixture.root, program)).mode & setUid) === 0) throw new Error("the image has no such program");
  mkdirSync(join(fixture.root, "home/user"), { recursive: true });
  giveAway(join(fixture.root, "home/user"));
  return fixture;
}

for (const { title, next, mode } of rows)
  test(`a program with set-user-id ${title}: links and descriptors of users are worth nothing`, (t) =>
    repeatAttack(t, 1, async () => {
      await using fixture = await machineWithProgram();
      const { root } = fixture;
      const link = join(root, "home/user/su");
      // As root: fs.protected_hardlinks may be on here, and is not everywhere.
      linkSync(join(root, program), link);
      await using held = await runAttacker(tenant, ["hold", join(root, program)]);
      await importVersion(fixture, next, mode);
      await update(fixture);
      if (mode !== 0 && (lstatSync(join(root, program)).mode & 0o7777) !== mode)
        return "the program has not the image's mode";
      if ((lstatSync(link).mode & setUid) !== 0) return "the user's link still runs as root";
      const heldMode = Number.parseInt(await held.end(), 8);
      return (heldMode & setUid) === 0 ? undefined : "what the user holds open still runs as root";
    }));

test("a user's link beside the image takes no right from the program that stays", (t) =>
  repeatAttack(t, 1, async () => {
    await using fixture = await machineWithProgram();
    const { root } = fixture;
    linkSync(join(root, program), join(root, "usr/bin/link"));
    writeFileSync(join(root, "etc/other"), "changed");
    await importVersion(fixture, { [program]: "vulnerable" }, 0o4755);
    await update(fixture);
    const { mode, nlink } = lstatSync(join(root, program));
    if (nlink !== 1) return "the link is still there";
    return (mode & 0o7777) === 0o4755 ? undefined : `its mode is ${mode.toString(8)}`;
  }));
