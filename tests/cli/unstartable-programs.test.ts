import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const importing = (path: string) => new URL(`../../src/${path}`, import.meta.url).href;

/** What a process of these statements prints; fails if it ends by an error that nobody has caught. */
async function printed(statements: string, limits = ""): Promise<readonly string[]> {
  const program = `
    import { openSync } from "node:fs";
    import { runCommand } from ${JSON.stringify(importing("bootstrap-image/command.ts"))};
    import { unpacked } from ${JSON.stringify(importing("dominator/import/unpack.ts"))};
    const said = ({ message, cause }) => console.log(message + ": " + cause?.code);
    async function* archive() { yield Buffer.from("fd377a585a000000", "hex"); }
    const unpack = () => Array.fromAsync(unpacked(archive())).catch(said);
    ${statements}`;
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)("sh", ["-c", `${limits} exec "$@"`, "sh", ...node]);
  return stdout.trim().split("\n");
}

test("an archive of xz where xz is not installed: the error says what to install, and ends nothing else", async () => {
  const said = await printed('process.env.PATH = "/nowhere"; await unpack();');
  assert.deepEqual(said, ["starting xz failed; to install it, run apt-get install xz-utils: ENOENT"]);
});

test("a program that cannot be started because no descriptor is free fails with that reason, and ends nothing else", async () => {
  const statements = `
    try { for (;;) openSync("/dev/null"); } catch {}
    await runCommand(["true"]).catch(said);
    await unpack();`;
  const said = await printed(statements, "ulimit -n 200;");
  assert.deepEqual(said, ["starting true failed: EMFILE", "starting xz failed: EMFILE"]);
});
