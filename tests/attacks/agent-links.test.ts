import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { machineFilterLines } from "../../src/core/image/filter.ts";
import { startSubFixture } from "../dominator/sub-fixture.ts";
import { repeatAttack } from "./attack.ts";

const rounds = 3;

test("links in place of the image's directories and files lead nowhere", { timeout: 120_000 }, async (t) => {
  await using fixture = await startSubFixture();
  const { root } = fixture;
  await repeatAttack(t, rounds, async (round) => {
    const victim = join(root, `home/victim-${round}`);
    mkdirSync(victim, { recursive: true });
    writeFileSync(join(victim, "file"), "of the victim\n", { mode: 0o600 });
    mkdirSync(join(root, "srv"), { recursive: true });
    symlinkSync(victim, join(root, `srv/directory-${round}`));
    symlinkSync(join(victim, "file"), join(root, `srv/file-${round}`));
    await fixture.importSketch(
      {
        "boot/vmlinuz-6": "kernel",
        "boot/initrd.img-6": "initrd",
        [`srv/directory-${round}/of-the-image`]: "x",
        [`srv/file-${round}`]: "y",
      },
      machineFilterLines,
    );
    const { status, stdout, stderr } = await fixture.runAgent();
    if (status !== 0) return `the agent ended with status ${status}: ${stdout}${stderr}`;
    if (!lstatSync(join(root, `srv/directory-${round}`)).isDirectory()) return "the link is still there";
    const { mode } = lstatSync(join(victim, "file"));
    const content = readFileSync(join(victim, "file"), "utf8");
    const isSame = content === "of the victim\n" && (mode & 0o777) === 0o600;
    return isSame ? undefined : `the victim's file is ${JSON.stringify(content)}, mode ${mode.toString(8)}`;
  });
});
