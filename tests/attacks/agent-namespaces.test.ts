import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { insideNamespace } from "../support/inside-namespace.ts";
import { installedMachine } from "./agent-obstacles.ts";
import { repeatAttack } from "./attack.ts";
import { attackerUid, giveAway } from "./attacker.ts";

/** A user who is root in a user namespace of its own, with mounts of its own there, over paths of the image. */

const first = {
  "etc/version": "one",
  "srv/data/": "",
  "srv/data/file": "one",
  "srv/old/": "",
  "srv/old/file": "one",
  "srv/user/": "",
  "srv/user/layer/": "",
  "srv/user/layer/file": "one",
};
const ofUser = ["srv/user", "srv/user/layer"];
const { "srv/old/": _gone, "srv/old/file": _goneToo, ...kept } = first;
const second = Object.fromEntries(
  Object.entries(kept).map(([path, text]) => [path, text === "one" ? "two" : text]),
) as typeof kept;

/**
 * Runs shell lines as root of a user namespace of the user's, which stays until it is disposed. Returns when they have run, without a
 * turn of the event loop, so that it can stand between two answers of a server.
 */
function userNamespace(place: string, lines: readonly string[]): AsyncDisposable {
  const home = mkdtempSync(join(place, "user-"));
  giveAway(home);
  const user = [`--reuid=${attackerUid}`, `--regid=${attackerUid}`, "--clear-groups", "--pdeathsig=KILL"];
  const script = ["set -e", ...lines, `touch ${home}/ready`, "exec cat"].join("\n");
  const argv = [...user, "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script];
  const child = spawn("setpriv", argv, { stdio: ["pipe", "ignore", "inherit"] });
  const closed = once(child, "close");
  execFileSync("timeout", ["20", "sh", "-c", `until test -e ${home}/ready; do sleep 0.05; done`]);
  return {
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await closed;
    },
  };
}

await insideNamespace(import.meta.url, () => {
  before(() => void execFileSync("ip", ["link", "set", "lo", "up"]));

  for (const moment of ["before", "between"] as const)
    test(
      `mounts in a user's namespace over paths that the image changes and removes, ${moment === "before" ? "before the scan" : "between scan and update"}`,
      { timeout: 120_000 },
      (t) =>
        repeatAttack(t, 1, async () => {
          await using machine = await installedMachine(first, { ofUser });
          const { root } = machine;
          mkdirSync(join(root, "home"), { recursive: true });
          const lines = ["etc", "srv/data", "srv/old", "srv/user"].flatMap((path) => {
            const at = join(root, path);
            return [`mount -t tmpfs tenant ${at}`, `echo user > ${at}/file`, `echo user > ${at}/version`];
          });
          await machine.next(second, ofUser);
          await using held = new AsyncDisposableStack();
          let begun = false;
          const begin = () => {
            if (!begun) held.use(userNamespace(join(root, "home"), lines));
            begun = true;
          };
          if (moment === "between") machine.beforeDirective("update", begin);
          else begin();
          const { status, stdout, stderr } = await machine.runAgent();
          assert.ok(begun);
          const text = (path: string) => readFileSync(join(root, path), "utf8");
          const found = [text("etc/version"), text("srv/data/file"), existsSync(join(root, "srv/old")), status];
          return JSON.stringify(found) === JSON.stringify(["two", "two", false, 0])
            ? undefined
            : `${JSON.stringify(found)}: ${stdout.slice(-2000)}${stderr}`;
        }),
    );

  test(
    "what a user's overlay leaves in its directories of the image: whiteouts, attributes, a work directory without rights",
    {
      timeout: 120_000,
    },
    (t) =>
      repeatAttack(t, 1, async () => {
        await using machine = await installedMachine(first, { ofUser });
        const layer = join(machine.root, "srv/user/layer");
        const lower = join(machine.root, "home/lower");
        mkdirSync(lower, { recursive: true });
        for (const name of ["gone", "file"]) writeFileSync(join(lower, name), "lower");
        mkdirSync(join(lower, "replaced"));
        for (const path of [lower, ...["gone", "file", "replaced"].map((name) => join(lower, name))]) giveAway(path);
        giveAway(join(layer, "file"));
        {
          const work = join(machine.root, "srv/user/work");
          await using _user = userNamespace(join(machine.root, "home"), [
            `mkdir ${work}`,
            `mkdir ${work}/merged`,
            `mkdir ${work}/work`,
            `mount -t overlay tenant -o lowerdir=${lower},upperdir=${layer},workdir=${work}/work,userxattr ${work}/merged`,
            `rm ${work}/merged/gone`,
            `rmdir ${work}/merged/replaced && mkdir ${work}/merged/replaced`,
          ]);
        }
        const left = readdirSync(layer);
        assert.ok(left.includes("gone") && left.includes("replaced"), `the overlay left ${left}`);
        await machine.next(second, ofUser);
        const { status, stdout, stderr } = await machine.runAgent();
        const found = [
          readFileSync(join(layer, "file"), "utf8"),
          readFileSync(join(machine.root, "etc/version"), "utf8"),
          status,
          readFileSync(join(lower, "file"), "utf8"),
        ];
        return JSON.stringify(found) === JSON.stringify(["two", "two", 0, "lower"])
          ? undefined
          : `${JSON.stringify(found)}: ${stdout.slice(-2000)}${stderr}`;
      }),
  );
});
