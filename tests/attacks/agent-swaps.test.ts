import {
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { machineFilterLines } from "../../src/core/image/filter.ts";
import { draw, type Sketch, type SubFixture, startSubFixture } from "../dominator/sub-fixture.ts";
import { repeatAttack } from "./attack.ts";
import { attackerUid } from "./attacker.ts";

/** Exactly between scan and update, the user exchanges what the agent is about to change. */
type Swap = {
  readonly title: string;
  /** What is on the machine before; `user/…` belongs to the user. */
  readonly before: Sketch;
  /** What the image wants; all of it belongs to the user if `owned` says so. */
  readonly wants: Sketch;
  readonly owned: boolean;
  readonly swap: (root: string) => void;
  /** Why the attack succeeded. */
  readonly broken: (root: string) => string | undefined;
};

const kernel: Sketch = { "boot/vmlinuz-6": "kernel", "boot/initrd.img-6": "initrd" };

/** Moves a directory away and puts a link in its place. */
const linkInstead = (path: string, target: string) => (root: string) => {
  renameSync(join(root, path), join(root, "home/away"));
  symlinkSync(join(root, target), join(root, path));
};
const modeOf = (root: string, path: string) => lstatSync(join(root, path)).mode & 0o7777;
const ownerOf = (root: string, path: string) => lstatSync(join(root, path)).uid;

const swaps: readonly Swap[] = [
  {
    title: "a file of the image lands in /etc/apt/apt.conf.d",
    before: { "srv/d/": "", "etc/udev/rules.d/": "", "etc/udev/rules.d/10-own": "x" },
    wants: { "srv/d/99-user": "run me\n" },
    owned: true,
    swap: linkInstead("srv/d", "etc/udev/rules.d"),
    broken: (root) =>
      readdirSync(join(root, "etc/udev/rules.d")).length === 1 ? undefined : "the file is in the directory of root's",
  },
  {
    title: "a 0600 file of root's becomes the user's",
    before: { "srv/d/secret": { mode: 0o644, text: "same" }, "var/log/secret": { mode: 0o600, text: "same" } },
    wants: { "srv/d/secret": { mode: 0o600, text: "same" } },
    owned: true,
    swap: linkInstead("srv/d", "var/log"),
    broken: (root) => (ownerOf(root, "var/log/secret") === attackerUid ? "the secret is the user's" : undefined),
  },
  {
    title: "/etc/shadow becomes readable",
    before: { "srv/d/shadow": { mode: 0o600, text: "" }, "var/log/shadow": { mode: 0o600, text: "secret" } },
    wants: { "srv/d/shadow": { mode: 0o755, text: "" } },
    owned: false,
    swap: linkInstead("srv/d", "var/log"),
    broken: (root) => (modeOf(root, "var/log/shadow") === 0o600 ? undefined : "its mode changed"),
  },
  {
    title: "the agent's settings are removed",
    before: { "srv/d/sub.json": "extra" },
    wants: { "srv/d/": "" },
    owned: true,
    swap: linkInstead("srv/d", "etc/birther"),
    broken: (root) => (existsSync(join(root, "etc/birther/sub.json")) ? undefined : "they are gone"),
  },
  {
    title: "a hard link to a file of root's gets the owner of the image's file",
    before: { "srv/d/log": { mode: 0o600, text: "" }, "var/log/empty": { mode: 0o600, text: "" } },
    wants: { "srv/d/log": { mode: 0o644, text: "" } },
    owned: true,
    swap: (root) => {
      renameSync(join(root, "srv/d/log"), join(root, "home/away"));
      linkSync(join(root, "var/log/empty"), join(root, "srv/d/log"));
    },
    broken: (root) => (ownerOf(root, "var/log/empty") === attackerUid ? "the file is the user's" : undefined),
  },
  {
    title: "a file is swapped for a link to one of root's before its mode is set",
    before: { "srv/d/file": { mode: 0o600, text: "" }, "var/log/secret": { mode: 0o600, text: "x" } },
    wants: { "srv/d/file": { mode: 0o666, text: "" } },
    owned: false,
    swap: (root) => {
      renameSync(join(root, "srv/d/file"), join(root, "home/away"));
      symlinkSync(join(root, "var/log/secret"), join(root, "srv/d/file"));
    },
    broken: (root) => (modeOf(root, "var/log/secret") === 0o600 ? undefined : "its mode changed"),
  },
];

async function attack(fixture: SubFixture, { before, wants, owned, swap, broken }: Swap): Promise<string | undefined> {
  const { root } = fixture;
  await draw(root, { ...before, "home/": "", "srv/": "" });
  await fixture.importSketch({ ...kernel, ...wants }, machineFilterLines, (source) => {
    if (owned) for (const path of Object.keys(wants)) lchownSync(join(source, path), attackerUid, attackerUid);
  });
  let swapped = 0;
  fixture.beforeDirective("update", () => {
    if (swapped === 0) swap(root);
    swapped += 1;
  });
  const { stdout, stderr } = await fixture.runAgent();
  if (swapped === 0) return `the update never came: ${stdout}${stderr}`;
  const reason = broken(root);
  if (reason !== undefined) return reason;
  return /paths? changed since the scan/.test(stdout)
    ? undefined
    : `the agent did not name the path: ${stdout}${stderr}`;
}

for (const swap of swaps)
  test(`exchanged between scan and update: ${swap.title}`, { timeout: 120_000 }, (t) =>
    repeatAttack(t, 1, async () => {
      await using fixture = await startSubFixture();
      return await attack(fixture, swap);
    }),
  );

test("a hard link that was there before the scan keeps its owner", { timeout: 120_000 }, (t) =>
  repeatAttack(t, 1, async () => {
    await using fixture = await startSubFixture();
    const { root } = fixture;
    await draw(root, { "var/log/empty": { mode: 0o600, text: "" }, "srv/d/": "" });
    linkSync(join(root, "var/log/empty"), join(root, "srv/d/log"));
    await fixture.importSketch({ ...kernel, "srv/d/log": { mode: 0o644, text: "" } }, machineFilterLines, (source) =>
      lchownSync(join(source, "srv/d/log"), attackerUid, attackerUid),
    );
    const { status, stdout, stderr } = await fixture.runAgent();
    if (status !== 0 || ownerOf(root, "srv/d/log") !== attackerUid) return `no update: ${stdout}${stderr}`;
    return ownerOf(root, "var/log/empty") === attackerUid ? "the file of root's is the user's" : undefined;
  }),
);

test("names that are not UTF-8, and a sparse file hold up no update", { timeout: 120_000 }, (t) =>
  repeatAttack(t, 1, async () => {
    await using fixture = await startSubFixture();
    const { root } = fixture;
    const first = await fixture.importSketch({ ...kernel, "srv/file": "one" }, machineFilterLines);
    await fixture.runAgent();
    const inRoot = (name: Uint8Array) => Buffer.concat([Buffer.from(`${root}/srv/`), name]);
    for (const name of [[0xff], [0xef, 0xbf, 0xbd], [0x0a, 0x1b], [0xed, 0xb3, 0xbf]])
      writeFileSync(inRoot(Uint8Array.from(name)), "");
    mkdirSync(inRoot(Uint8Array.of(0xfe)));
    writeFileSync(join(root, "srv/sparse"), "");
    truncateSync(join(root, "srv/sparse"), 2 ** 40);
    const next = await fixture.importSketch({ ...kernel, "srv/file": "two" }, machineFilterLines);
    writeFileSync(join(root, "var/lib/birther/kernel-changed-in"), "another boot\n");
    const startMs = Date.now();
    const { status, stdout, stderr } = await fixture.runAgent();
    if (status !== 0) return `the agent ended with status ${status}: ${stdout}${stderr}`;
    if (Date.now() - startMs > 60_000) return "the scan took more than a minute";
    const found = readFileSync(join(root, "var/lib/birther/patched-image"), "utf8").trim();
    if (found !== next) return `${first} stays: expected ${next}, found ${found}: ${stdout}`;
    const left = readdirSync(join(root, "srv"), "buffer").map(String);
    if (left.length !== 1) return `extra names are left: ${JSON.stringify(left)}`;
    return /names that are not UTF-8/.test(stdout) ? undefined : `they are not named: ${stdout}`;
  }),
);
