import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { insideNamespace } from "../support/inside-namespace.ts";
import { asTmpfs, type InstalledMachine, installedMachine, type RootMount } from "./agent-obstacles.ts";
import { repeatAttack } from "./attack.ts";
import { attackerUid } from "./attacker.ts";

/** No space and no inodes in the middle of an update: all of the disk's, or those of one directory of a user's. */

const first = { "etc/version": "one", "srv/user/": "", "srv/user/file": "of the user" };
const ofUser = ["srv/user", "srv/user/file"];
const large = "x".repeat(1 << 20);

type FullRow = {
  readonly title: string;
  readonly mount: RootMount;
  readonly fill: (root: string) => void;
  readonly says: RegExp;
};

/** Uses up all bytes but few: a page or so for the agent's records. */
function fillBytes(root: string): void {
  const { bavail, bsize } = statfsSync(root);
  writeFileSync(join(root, "home/fill/bytes"), Buffer.alloc(bavail * bsize - 64 * 1024));
}
function fillInodes(root: string): void {
  for (let { ffree } = statfsSync(root); ffree > 4; ffree -= 1) writeFileSync(join(root, `home/fill/${ffree}`), "");
}

const rows: readonly FullRow[] = [
  { title: "the disk is full", mount: asTmpfs("size=16m"), fill: fillBytes, says: /No space left on device/ },
  {
    title: "no inode is free",
    mount: asTmpfs("size=64m,nr_inodes=400"),
    fill: fillInodes,
    says: /No space left on device.*no inode/,
  },
];

/** Adds hard links with long names to the user's directory until its index is full (ext4: two levels of blocks of 1 KiB). */
function fillIndex(root: string): void {
  const script = [
    "import os, sys",
    "os.chdir(sys.argv[1])",
    "os.setuid(int(sys.argv[2]))",
    "for start in range(8):",
    "  os.close(os.open('f%d' % start, os.O_CREAT))",
    "  for n in range(60000):",
    "    try: os.link('f%d' % start, ('%d-%d-' % (start, n)).ljust(250, 'x'))",
    "    except OSError as e: sys.exit(0 if e.errno == 28 else e.errno)",
    "sys.exit(1)",
  ].join("\n");
  execFileSync("python3", ["-c", script, join(root, "srv/user"), String(attackerUid)]);
}

const asExt4: RootMount = (root) => {
  const file = `${root}.ext4`;
  execFileSync("truncate", ["--size", "256M", file]);
  execFileSync("mkfs.ext4", ["-q", "-b", "1024", "-O", "^has_journal,^large_dir,dir_index", file]);
  execFileSync("mount", ["-o", "loop", file, root]);
};

await insideNamespace(import.meta.url, () => {
  before(() => execFileSync("ip", ["link", "set", "lo", "up"]));

  /** Fills the disk between scan and update. */
  function fillOnce(machine: InstalledMachine, fill: FullRow["fill"]): () => boolean {
    let filled = false;
    mkdirSync(join(machine.root, "home/fill"), { recursive: true });
    machine.beforeDirective("update", () => {
      if (!filled) fill(machine.root);
      filled = true;
    });
    return () => filled;
  }

  for (const { title, mount, fill, says } of rows)
    test(
      `${title} in the middle of an update: it is named, and resumed when there is room`,
      { timeout: 120_000 },
      (t) =>
        repeatAttack(t, 1, async () => {
          await using machine = await installedMachine(first, { mount, ofUser });
          const { root } = machine;
          const directories = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`opt/d${n}/empty`, ""]));
          const isFilled = fillOnce(machine, fill);
          const next = await machine.next(
            { ...first, "etc/version": "two", "opt/one": large, "opt/two": large, ...directories },
            ofUser,
          );
          const { stdout, stderr } = await machine.runAgent();
          const said = `${stdout.slice(-3000)}${stderr.slice(-1000)}`;
          if (!isFilled()) return `the update never came: ${said}`;
          if (!says.test(stdout)) return `expected ${says}, found ${said}`;
          if (existsSync(join(root, "var/lib/birther/patched-image"))) return `it counts as updated: ${said}`;
          rmSync(join(root, "home/fill"), { recursive: true });
          const again = await machine.runAgent();
          if (again.status !== 0 || machine.patchedImage() !== next)
            return `not resumed: ${again.stdout}${again.stderr}`;
          const isWhole =
            readFileSync(join(root, "opt/two"), "utf8") === large && existsSync(join(root, "opt/d19/empty"));
          return isWhole ? undefined : "the image is not complete";
        }),
    );

  test("a directory of the user's that takes no more names holds up no update", { timeout: 240_000 }, (t) =>
    repeatAttack(t, 1, async () => {
      await using machine = await installedMachine(first, { mount: asExt4, ofUser });
      const { root } = machine;
      fillIndex(root);
      const names = Array.from({ length: 60 }, (_, n) => `srv/user/${`new-${n}-`.padEnd(250, "y")}`);
      const wanted = Object.fromEntries(names.map((name) => [name, "two"]));
      const next = await machine.next({ ...first, ...wanted, "srv/zzz": "two", "etc/version": "two" }, [
        ...ofUser,
        ...names,
      ]);
      const { status, stdout, stderr } = await machine.runAgent();
      const said = `${stdout.slice(-3000)}${stderr.slice(-1000)}`;
      if (!existsSync(join(root, "srv/zzz"))) return `the rest did not come: ${said}`;
      if (machine.patchedImage() === next) return undefined;
      if (!/cannot be changed/.test(stdout)) return `the paths are not named: status ${status}: ${said}`;
      const again = await machine.runAgent();
      return machine.patchedImage() === next ? undefined : `not complete: ${said}${again.stdout.slice(-2000)}`;
    }),
  );
});
