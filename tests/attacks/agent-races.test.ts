import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { machineFilterLines } from "../../src/core/image/filter.ts";
import { draw, type Sketch, type SubFixture, startSubFixture } from "../dominator/sub-fixture.ts";
import { repeatAttack } from "./attack.ts";
import { type AttackerProgram, compileAttacker, giveAway, runAttacker } from "./attacker.ts";

/** Each round swaps in many directories at once, thousands of times. */
const rounds = 3;
const directories = 60;

let swapper: AttackerProgram;
before(() => {
  swapper = compileAttacker("swapper");
});
after(() => swapper[Symbol.dispose]());

/** The files of root's that the attacker is after. */
const victims: Sketch = {
  "etc/apt/apt.conf.d/20-of-root": { mode: 0o644, text: "of root\n" },
  "etc/shadow": { mode: 0o600, text: "secret\n" },
  "etc/private/secret": { mode: 0o600, text: "secret\n" },
};
const kernel: Sketch = { "boot/vmlinuz-6": "kernel", "boot/initrd.img-6": "initrd" };

/** What an attack has done to root's files: their state before it is what must be found after it. */
function stateOf(root: string): string {
  const files = ["etc/shadow", "etc/private/secret", "etc/apt/apt.conf.d/20-of-root", "etc/birther/sub.json"];
  const folders = ["etc", "etc/apt/apt.conf.d", "etc/private", "etc/birther"];
  const lines = files.map((path) => {
    const { mode, uid, gid } = lstatSync(join(root, path));
    return `${path} ${mode.toString(8)} ${uid}:${gid} ${readFileSync(join(root, path), "latin1").length}`;
  });
  const inFolders = folders.map((path) => {
    const { mode, uid, gid } = lstatSync(join(root, path));
    return `${path} ${mode.toString(8)} ${uid}:${gid}: ${readdirSync(join(root, path)).sort().join(" ")}`;
  });
  return [...lines, ...inFolders].join("\n");
}

/** An attack: what the attacker's directories hold, what they are swapped with, and what the image then wants there. */
type Race = {
  readonly title: string;
  /** Where the attacker's links lead, below the root. */
  readonly target: string;
  /** Files in each directory of the attacker, with their modes: `%d` is the number of the directory. */
  readonly holds: { readonly [name: string]: { readonly mode: number; readonly text: string } };
  /** What the image wants in each, as its second version. */
  readonly wants: (directory: string) => Sketch;
};

const races: readonly Race[] = [
  {
    title: "a file of the image lands in a directory of root's",
    target: "etc/apt/apt.conf.d",
    holds: {},
    wants: (directory) => ({ [`${directory}/99-of-the-user`]: { mode: 0o644, text: "run me\n" } }),
  },
  {
    title: "a directory of the image is made among root's",
    target: "etc/private",
    holds: {},
    wants: (directory) => ({ [`${directory}/made/`]: "" }),
  },
  {
    title: "a link of the image replaces a file of root's",
    target: "etc",
    holds: {},
    wants: (directory) => ({ [`${directory}/shadow`]: { link: "/home/user/shadow" } }),
  },
];

const namesOf = Array.from({ length: directories }, (_, number) => `srv/d${number}`);

/** A root whose attacker owns directories, the links beside them, and the directory that both are in. */
async function prepare(fixture: SubFixture, race: Race): Promise<readonly (readonly [string, string])[]> {
  const { root } = fixture;
  for (const path of [dirname(root), root]) chmodSync(path, 0o755);
  await draw(root, victims);
  const away = join(root, "home/away");
  mkdirSync(away, { recursive: true });
  mkdirSync(join(root, "srv"), { recursive: true });
  const pairs = namesOf.map((name, number): readonly [string, string] => {
    const own = join(root, name);
    mkdirSync(own);
    for (const [file, { mode, text }] of Object.entries(race.holds)) {
      writeFileSync(join(own, file), text, { mode });
      giveAway(join(own, file));
    }
    giveAway(own);
    const link = join(away, `link-${number}`);
    symlinkSync(join(root, race.target), link);
    return [own, link];
  });
  for (const path of [away, join(root, "srv")]) giveAway(path);
  return pairs;
}

for (const race of races)
  test(`while directories are exchanged for links: ${race.title}`, { timeout: 280_000 }, async (t) => {
    await repeatAttack(t, rounds, async () => {
      await using fixture = await startSubFixture();
      const { root } = fixture;
      const pairs = await prepare(fixture, race);
      const wanted = Object.assign({}, ...namesOf.map((name) => race.wants(name)));
      await fixture.importSketch({ ...kernel, ...victims, ...wanted }, machineFilterLines, (source) => {
        for (const name of ["srv", ...namesOf]) giveAway(join(source, name));
        for (const path of Object.keys(wanted)) if (!path.endsWith("/")) giveAway(join(source, path));
      });
      const before = stateOf(root);
      {
        await using _attacker = await runAttacker(swapper, pairs.flat());
        await fixture.runAgent();
      }
      const found = stateOf(root);
      return found === before ? undefined : `expected\n${before}\nfound\n${found}`;
    });
  });
