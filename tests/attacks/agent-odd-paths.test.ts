import { execFileSync } from "node:child_process";
import { existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type InstalledMachine, installedMachine } from "./agent-obstacles.ts";
import { repeatAttack } from "./attack.ts";
import { attackerUid, giveAway } from "./attacker.ts";

/** Files that cannot be changed, and others than files, in the way of an update. */

const first = {
  "etc/version": "one",
  "etc/tool.conf": "one",
  "srv/data/": "",
  "srv/data/file": "one",
  "srv/data/old": "one",
};
const second = { "etc/version": "two", "etc/tool.conf": "two", "srv/data/": "", "srv/data/file": "two" };

const run = (program: string, ...args: readonly string[]) => execFileSync(program, args);
const read = (root: string, path: string) => readFileSync(join(root, path), "utf8");

/** Why the machine is not on the second version. */
function incomplete(root: string): string | undefined {
  for (const path of ["etc/version", "etc/tool.conf", "srv/data/file"]) {
    if (!lstatSync(join(root, path)).isFile()) return `${path} is no file`;
    if (read(root, path) !== "two") return `${path} is not the second`;
  }
  return existsSync(join(root, "srv/data/old")) ? "srv/data/old is left" : undefined;
}

const flags: readonly { readonly title: string; readonly flag: string; readonly path: string }[] = [
  { title: "an immutable file", flag: "i", path: "etc/tool.conf" },
  { title: "an append-only file", flag: "a", path: "etc/tool.conf" },
  { title: "an immutable directory", flag: "i", path: "srv/data" },
  { title: "an append-only directory", flag: "a", path: "srv/data" },
];

for (const { title, flag, path } of flags)
  test(`${title} in the way is left alone and named, and the rest goes on`, { timeout: 120_000 }, (t) =>
    repeatAttack(t, 1, async () => {
      await using machine = await installedMachine(first);
      const { root } = machine;
      run("chattr", `+${flag}`, join(root, path));
      try {
        await machine.next(second);
        const { stdout, stderr } = await machine.runAgent();
        const said = `${stdout.slice(-3000)}${stderr.slice(-1000)}`;
        if (read(root, "etc/version") !== "two") return `the rest did not come: ${said}`;
        if (!stdout.includes(`cannot be changed`) || !stdout.includes(`/${path}`)) return `not named: ${said}`;
        if (existsSync(join(root, "var/lib/birther/patched-image"))) return "the update counts as complete";
      } finally {
        run("chattr", `-${flag}`, join(root, path));
      }
      const again = await machine.runAgent();
      return again.status === 0 ? incomplete(root) : `it is not resumed: ${again.stdout}${again.stderr}`;
    }),
  );

/** What can stand at a path instead of a file. */
const instead: readonly { readonly title: string; readonly make: (path: string) => unknown }[] = [
  { title: "a FIFO", make: (path) => run("mkfifo", path) },
  {
    title: "a socket",
    make: (path) => run("python3", "-c", "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", path),
  },
  { title: "a character device", make: (path) => run("mknod", path, "c", "1", "5") },
  { title: "a directory", make: (path) => mkdirSync(path) },
];

for (const { title, make } of instead) {
  const replace = (root: string) => {
    rmSync(join(root, "srv/data/file"), { recursive: true });
    // A socket's path has at most 107 bytes (unix(7)).
    process.chdir(root);
    try {
      make("srv/data/file");
    } finally {
      process.chdir(import.meta.dirname);
    }
  };
  test(`${title} in place of a file is neither read nor waited for`, { timeout: 120_000 }, (t) =>
    repeatAttack(t, 1, async () => {
      await using machine = await installedMachine(first);
      replace(machine.root);
      await machine.next(second);
      const { status, stdout, stderr } = await machine.runAgent();
      return status === 0 ? incomplete(machine.root) : `it is not updated: ${stdout}${stderr}`;
    }),
  );
  test(
    `${title} that comes between scan and update is left alone, named, and replaced by the next update`,
    {
      timeout: 120_000,
    },
    (t) =>
      repeatAttack(t, 1, async () => {
        await using machine = await installedMachine(first);
        let swapped = false;
        machine.beforeDirective("update", () => {
          if (!swapped) replace(machine.root);
          swapped = true;
        });
        await machine.next(second);
        const { stdout } = await machine.runAgent();
        if (!/changed since the scan.*\/srv\/data\/file/.test(stdout)) return `not named: ${stdout}`;
        const again = await machine.runAgent();
        return again.status === 0 ? incomplete(machine.root) : `not complete: ${again.stdout}${again.stderr}`;
      }),
  );
}

test(
  "a FIFO at the drafts of the boot loader's configuration, in the former layout, stops no update",
  {
    timeout: 120_000,
  },
  (t) =>
    repeatAttack(t, 1, async () => {
      await using machine = await installedMachine(first);
      const { root } = machine;
      for (const name of ["grub.cfg", "grub.cfg.new"]) {
        rmSync(join(root, "boot/grub", name), { force: true });
        run("mkfifo", join(root, "boot/grub", name));
      }
      await machine.next({ ...second, "boot/vmlinuz-6": "another kernel" });
      const { status, stdout, stderr } = await machine.runAgent();
      const isFile = lstatSync(join(root, "boot/grub/grub.cfg")).isFile();
      return isFile ? undefined : `status ${status}: ${stdout.slice(-2000)}${stderr}`;
    }),
);

const ofUser = ["srv/user", "srv/user/file"];

/** A directory of the user's with this mode and a default access control list, in which the image has a file of root's. */
async function withDirectory(mode: string): Promise<InstalledMachine> {
  const machine = await installedMachine({ ...first, "srv/user/file": "one" }, { ofUser });
  const { root } = machine;
  run("chmod", mode, join(root, "srv/user"));
  writeFileSync(join(root, "srv/user/extra"), "");
  giveAway(join(root, "srv/user/extra"));
  return machine;
}

for (const mode of ["1777", "2777", "3777"])
  test(
    `in a directory of the user's with mode ${mode}, what the image makes has its own owner and mode`,
    {
      timeout: 120_000,
    },
    (t) =>
      repeatAttack(t, 1, async () => {
        await using machine = await withDirectory(mode);
        const { root } = machine;
        await machine.next(
          { ...second, "srv/user/file": "two", "srv/user/of-root": "two", "srv/user/made/x": "" },
          ofUser,
        );
        const { status, stdout, stderr } = await machine.runAgent();
        if (status !== 0) return `status ${status}: ${stdout}${stderr}`;
        const found = ["", "/file", "/of-root", "/made"].map((path) => {
          const { uid, gid, mode: bits } = lstatSync(join(root, `srv/user${path}`));
          return `${uid}:${gid} ${(bits & 0o7777).toString(8)}`;
        });
        const user = `${attackerUid}:${attackerUid}`;
        const wanted = [`${user} 755`, `${user} 644`, "0:0 644", "0:0 755"];
        const names = readdirSync(join(root, "srv/user")).sort().join();
        if (names !== "file,made,of-root") return `the directory holds ${names}`;
        return JSON.stringify(found) === JSON.stringify(wanted) ? undefined : `expected ${wanted}, found ${found}`;
      }),
  );

test("a user's hard links to files that the agent never touches leave them as they are", { timeout: 120_000 }, (t) =>
  repeatAttack(t, 1, async () => {
    await using machine = await installedMachine({ ...first, "srv/user/file": "one" }, { ofUser });
    const { root } = machine;
    const victims = ["etc/birther/sub.json", "etc/birther/ca.pem", "usr/local/sbin/birther-agent", "etc/fstab"];
    const state = () =>
      victims.map((path) => {
        const { uid, gid, mode, ino } = lstatSync(join(root, path));
        return `${path} ${uid}:${gid} ${mode} ${ino} ${read(root, path)}`;
      });
    const before = state();
    // As root, as with fs.protected_hardlinks off: one beside the image's file, one in its place.
    for (const [n, path] of victims.entries()) linkSync(join(root, path), join(root, `srv/user/link-${n}`));
    rmSync(join(root, "srv/user/file"));
    linkSync(join(root, victims[0] ?? ""), join(root, "srv/user/file"));
    await machine.next({ ...second, "srv/user/file": "two" }, ofUser);
    const { status, stdout, stderr } = await machine.runAgent();
    if (status !== 0) return `status ${status}: ${stdout}${stderr}`;
    if (JSON.stringify(state()) !== JSON.stringify(before)) return `expected ${before}, found ${state()}`;
    return read(root, "srv/user/file") === "two" ? undefined : "the image's file did not come";
  }),
);
