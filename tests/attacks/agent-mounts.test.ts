import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { insideNamespace } from "../support/inside-namespace.ts";
import { type InstalledMachine, installedMachine } from "./agent-obstacles.ts";
import { repeatAttack } from "./attack.ts";
import { type AttackerProgram, compileAttacker, giveAway, runAttacker } from "./attacker.ts";

/** File systems over directories and files of the image: of a user by FUSE, or of root's in normal use. */

const first = {
  "etc/version": "one",
  "etc/tool.conf": "one",
  "srv/data/": "",
  "srv/data/file": "one",
  "srv/user/": "",
  "srv/user/inside/": "",
  "srv/user/inside/file": "one",
};
const second = Object.fromEntries(
  Object.entries(first).map(([path, text]) => [path, text === "one" ? "two" : text]),
) as typeof first;
const ofUser = ["srv/user", "srv/user/inside"];

type MountRow = {
  readonly title: string;
  /** Where, below the root, something is mounted, and the path of the image that it hides. */
  readonly over: string;
  readonly hides: string;
  readonly mount: (target: string, other: string) => void;
};

const run = (program: string, ...args: readonly string[]) => execFileSync(program, args);

const rows: readonly MountRow[] = [
  {
    title: "a tmpfs",
    over: "srv/data",
    hides: "/srv/data",
    mount: (target) => run("mount", "-t", "tmpfs", "tenant", target),
  },
  {
    title: "a bind mount of a directory of the same file system",
    over: "srv/data",
    hides: "/srv/data",
    mount: (target, other) => run("mount", "--bind", other, target),
  },
  {
    title: "an overlay whose upper layer is the user's",
    over: "srv/data",
    hides: "/srv/data",
    mount: (target, other) => {
      const layers = `${other}.layers`;
      mkdirSync(layers);
      run("mount", "-t", "tmpfs", "tenant", layers);
      const [upper, work] = ["upper", "work"].map((name) => join(layers, name));
      for (const layer of [upper, work]) mkdirSync(layer ?? "");
      giveAway(upper ?? "");
      const of = `lowerdir=${target},upperdir=${upper},workdir=${work}`;
      run("mount", "-t", "overlay", "tenant", "-o", of, target);
      // The overlay keeps its layers.
      run("umount", "--lazy", layers);
    },
  },
  {
    title: "a bind mount over one file",
    over: "etc/tool.conf",
    hides: "/etc/tool.conf",
    mount: (target, other) => run("mount", "--bind", join(other, "file"), target),
  },
  {
    title: "a read-only bind mount of the directory on itself",
    over: "srv/data",
    hides: "/srv/data",
    mount: (target) => {
      run("mount", "--bind", target, target);
      run("mount", "-o", "remount,bind,ro", target);
    },
  },
];

await insideNamespace(import.meta.url, () => {
  let tenant: AttackerProgram;
  before(() => {
    run("ip", "link", "set", "lo", "up");
    tenant = compileAttacker("tenant");
  });
  after(() => tenant[Symbol.dispose]());

  /** A directory outside of the image's paths with a file of root's, and what is in it. */
  function makeOther(machine: InstalledMachine): { readonly path: string; readonly state: () => string } {
    const path = join(machine.root, "home/other");
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "file"), "of root\n", { mode: 0o600 });
    const state = () => `${readdirSync(path)}: ${readFileSync(join(path, "file"), "utf8")}`;
    return { path, state };
  }

  /** Updates while something is mounted, then without it: why either did not do what it must. */
  async function updateFault(
    machine: InstalledMachine,
    row: Pick<MountRow, "over" | "hides">,
    moment: "before" | "between",
    mount: () => unknown,
  ): Promise<string | undefined> {
    const next = await machine.next(second, ofUser);
    let mounted = false;
    if (moment === "before") await mount();
    else
      machine.beforeDirective("update", () => {
        if (!mounted) mount();
        mounted = true;
      });
    const { stdout, stderr } = await machine.runAgent();
    const said = `${stdout.slice(-3000)}${stderr.slice(-1000)}`;
    if (readFileSync(join(machine.root, "etc/version"), "utf8") !== "two") return `the rest did not come: ${said}`;
    if (!stdout.includes(row.hides)) return `${row.hides} is not named: ${said}`;
    run("umount", "--lazy", join(machine.root, row.over));
    writeFileSync(join(machine.root, "etc/version"), "changed by root");
    await machine.next({ ...second, "etc/version": "three" }, ofUser);
    const again = await machine.runAgent();
    const path = row.over.startsWith("srv/") ? `${row.over}/file` : row.over;
    if (again.status !== 0 || readFileSync(join(machine.root, path), "utf8") !== "two")
      return `${next} is not complete without the mount: ${again.stdout.slice(-2000)}${again.stderr}`;
    return undefined;
  }

  for (const moment of ["before", "between"] as const)
    for (const row of rows)
      test(
        `${row.title}, mounted ${moment === "before" ? "before the scan" : "between scan and update"}`,
        {
          timeout: 120_000,
        },
        (t) =>
          repeatAttack(t, 1, async () => {
            await using machine = await installedMachine(first, { ofUser });
            const other = makeOther(machine);
            const state = other.state();
            const fault = await updateFault(machine, row, moment, () =>
              row.mount(join(machine.root, row.over), other.path),
            );
            if (fault !== undefined) return fault;
            return other.state() === state ? undefined : `root's directory is now ${other.state()}`;
          }),
      );

  test("a user's FUSE file system that never answers holds up no update", { timeout: 120_000 }, (t) =>
    repeatAttack(t, 1, async () => {
      await using machine = await installedMachine(first, { ofUser });
      const row = { over: "srv/user/inside", hides: "/srv/user/inside" };
      const startMs = performance.now();
      await using _stalled = await runAttacker(tenant, ["fuse", join(machine.root, row.over)]);
      const fault = await updateFault(machine, row, "before", () => undefined);
      return (
        fault ?? (performance.now() - startMs < 60_000 ? undefined : "the agent waited for the user's file system")
      );
    }),
  );

  test("a file system of root's over the agent's own state stops an update by its name", { timeout: 120_000 }, (t) =>
    repeatAttack(t, 1, async () => {
      await using machine = await installedMachine(first, { ofUser });
      run("mount", "-t", "tmpfs", "tenant", join(machine.root, "var"));
      try {
        await machine.next(second, ofUser);
        const { stdout, stderr } = await machine.runAgent();
        assert.equal(readFileSync(join(machine.root, "etc/version"), "utf8"), "one");
        return /\/var\/lib\/birther.*mounted over/.test(stdout) ? undefined : `not named: ${stdout}${stderr}`;
      } finally {
        run("umount", join(machine.root, "var"));
      }
    }),
  );
});
