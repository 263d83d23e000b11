import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { machineFilterLines } from "../../src/core/image/filter.ts";
import { type Sketch, type SubFixture, startSubFixture } from "../dominator/sub-fixture.ts";
import { repeatAttack } from "./attack.ts";
import { type AttackerProgram, attackerUid, compileAttacker, giveAway, runAttacker } from "./attacker.ts";

/** Attacks of a user who wants that a machine takes no update any more. */

let tenant: AttackerProgram;
before(() => {
  tenant = compileAttacker("tenant");
});
after(() => tenant[Symbol.dispose]());

const kernel: Sketch = { "boot/vmlinuz-6": "kernel", "boot/initrd.img-6": "initrd" };

/** A machine with the first version of an image in which the user has a directory, `srv/user`, and a file of the image in it. */
async function machineWithUser(): Promise<SubFixture> {
  const fixture = await startSubFixture();
  for (const path of [dirname(fixture.root), fixture.root]) chmodSync(path, 0o755);
  await importVersion(fixture, "one");
  const { status, stdout, stderr } = await fixture.runAgent();
  if (status !== 0) throw new Error(`the first image: ${stdout}${stderr}`);
  return fixture;
}

function importVersion(fixture: SubFixture, text: string): Promise<string> {
  const sketch = { ...kernel, "etc/version": text, "srv/user/": "", "srv/user/file": "of the user" };
  return fixture.importSketch(sketch, machineFilterLines, (source) => {
    for (const path of ["srv/user", "srv/user/file"]) giveAway(join(source, path));
  });
}

/** Updates the machine to the next version: why it does not have it after that. */
async function updateFault(fixture: SubFixture): Promise<string | undefined> {
  const next = await importVersion(fixture, "two");
  const { status, stdout, stderr } = await fixture.runAgent();
  if (readFileSync(join(fixture.root, "etc/version"), "utf8") !== "two")
    return `no file of ${next} came, status ${status}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`;
  return undefined;
}

const attempt = (work: (fixture: SubFixture) => Promise<string | undefined>) => async () => {
  await using fixture = await machineWithUser();
  return await work(fixture);
};

test("write leases on files of the image hold up no update", { timeout: 120_000 }, (t) =>
  repeatAttack(
    t,
    1,
    attempt(async (fixture) => {
      await using _lease = await runAttacker(tenant, ["lease", join(fixture.root, "srv/user/file")]);
      const startMs = Date.now();
      const fault = await updateFault(fixture);
      return fault ?? (Date.now() - startMs < 30_000 ? undefined : "the agent waited for the lease");
    }),
  ),
);

test("directories that come and go hold up no update", { timeout: 120_000 }, (t) =>
  repeatAttack(
    t,
    3,
    attempt(async (fixture) => {
      await using _churn = await runAttacker(tenant, ["churn", join(fixture.root, "srv/user")]);
      return await updateFault(fixture);
    }),
  ),
);

/** As the user, makes nested directories of this name, and files in the last; Node's paths cannot be that long. */
function nest(top: string, name: Buffer, { depth, files }: { readonly depth: number; readonly files: number }): void {
  const script = [
    "import os, sys",
    "name = bytes.fromhex(sys.argv[2])",
    "os.chdir(sys.argv[1])",
    "os.setuid(int(sys.argv[5]))",
    "for _ in range(int(sys.argv[3])): os.mkdir(name); os.chdir(name)",
    "for n in range(int(sys.argv[4])): os.close(os.open(name[:240] + b'%d' % n, os.O_CREAT))",
  ].join("\n");
  execFileSync("python3", ["-c", script, top, name.toString("hex"), String(depth), String(files), String(attackerUid)]);
}

/** Removes what Node's `rm` cannot. */
function removeNested(fixture: SubFixture): void {
  execFileSync("rm", ["-rf", join(fixture.root, "srv/user")]);
}

test("a path of more bytes than PATH_MAX, but fewer characters, holds up no update", { timeout: 120_000 }, (t) =>
  repeatAttack(
    t,
    1,
    attempt(async (fixture) => {
      nest(join(fixture.root, "srv/user"), Buffer.from("\u4e00".repeat(85)), { depth: 30, files: 0 });
      try {
        return await updateFault(fixture);
      } finally {
        removeNested(fixture);
      }
    }),
  ),
);

test("long names, of which the server could not read the list, hold up no update", { timeout: 240_000 }, (t) =>
  repeatAttack(
    t,
    1,
    attempt(async (fixture) => {
      nest(join(fixture.root, "srv/user"), Buffer.alloc(250, 0xff), { depth: 14, files: 13_000 });
      try {
        return await updateFault(fixture);
      } finally {
        removeNested(fixture);
      }
    }),
  ),
);

test("more files than the system has hold up no update", { timeout: 120_000 }, (t) =>
  repeatAttack(
    t,
    1,
    attempt(async (fixture) => {
      for (let n = 0; n < 300; n += 1) {
        const path = join(fixture.root, `srv/user/${n}`);
        writeFileSync(path, "");
        giveAway(path);
      }
      return await updateFault(fixture);
    }),
  ),
);

test("twenty thousand names of one file hold up no update", { timeout: 240_000 }, (t) =>
  repeatAttack(
    t,
    1,
    attempt(async (fixture) => {
      const file = join(fixture.root, "srv/user/file");
      await using links = await runAttacker(tenant, ["link", file, join(fixture.root, "srv/user/link-"), "20000"]);
      await links.end();
      const fault = await updateFault(fixture);
      const left = readdirSync(join(fixture.root, "srv/user"));
      return fault ?? (left.length === 1 ? undefined : `${left.length} names are left`);
    }),
  ),
);
